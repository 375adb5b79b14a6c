/** What was written and not confirmed, and what is half written: both survive a reload in this browser. */
import type { Pending } from "@/chat/state";

const PENDING = "gorizont.pending.";
const DRAFT = "gorizont.draft.";

/** Each under a key of its own: several tabs of this browser write here, and none may lose what another has stored. */
export function storePending(before: readonly Pending[], now: readonly Pending[]): void {
  const kept = new Set(now.map((one) => one.clientId));
  for (const one of before) if (!kept.has(one.clientId)) localStorage.removeItem(PENDING + one.clientId);
  for (const one of now) if (!before.includes(one)) localStorage.setItem(PENDING + one.clientId, JSON.stringify(one));
}

export function loadPending(): Pending[] {
  return keysOf(PENDING)
    .flatMap((key) => {
      try {
        const stored = JSON.parse(localStorage.getItem(key) ?? "") as Pending;
        return [{ ...stored, status: stored.status === "failed" ? ("failed" as const) : ("waiting" as const) }];
      } catch {
        localStorage.removeItem(key);
        return [];
      }
    })
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
}

export const draftOf = (conversation: string): string => localStorage.getItem(DRAFT + conversation) ?? "";

export function storeDraft(conversation: string, text: string): void {
  if (text.trim()) localStorage.setItem(DRAFT + conversation, text);
  else localStorage.removeItem(DRAFT + conversation);
}

export function forgetOutbox(): void {
  for (const key of [...keysOf(PENDING), ...keysOf(DRAFT)]) localStorage.removeItem(key);
}

function keysOf(beginning: string): string[] {
  const keys = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? "");
  return keys.filter((key) => key.startsWith(beginning));
}
