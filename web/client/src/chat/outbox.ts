/** What was written and not confirmed, and what is half written: both survive a reload in this browser. */
import type { Pending } from "@/chat/state";

const PENDING = "gorizont.pending";
const DRAFT = "gorizont.draft.";

export function storePending(pending: readonly Pending[]): void {
  if (pending.length) localStorage.setItem(PENDING, JSON.stringify(pending));
  else localStorage.removeItem(PENDING);
}

export function loadPending(): Pending[] {
  try {
    const stored = JSON.parse(localStorage.getItem(PENDING) ?? "[]") as Pending[];
    return stored.map((one) => ({ ...one, status: one.status === "failed" ? "failed" : "waiting" }));
  } catch {
    return [];
  }
}

export const draftOf = (conversation: string): string => localStorage.getItem(DRAFT + conversation) ?? "";

export function storeDraft(conversation: string, text: string): void {
  if (text.trim()) localStorage.setItem(DRAFT + conversation, text);
  else localStorage.removeItem(DRAFT + conversation);
}

/** What a person who signs out leaves behind: nothing. */
export function forgetEverything(): void {
  for (const key of Object.keys(localStorage)) {
    if (key === PENDING || key.startsWith(DRAFT)) localStorage.removeItem(key);
  }
}
