/** Keys that work on every page; `?` lists them. */
import { openCommandBox, shortcutsOpen } from "@/app/overlays";
import { router } from "@/app/router";
import { useSession } from "@/app/session";
import { usePhone } from "@/phone/store";

/** On a Mac one says ⌘, elsewhere Ctrl. */
export const modifier = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";

export interface Shortcut {
  keys: string[];
  does: string; // a key of the language
}

export const SHORTCUTS: readonly { group: string; items: readonly Shortcut[] }[] = [
  {
    group: "shortcuts.everywhere",
    items: [
      { keys: [modifier, "K"], does: "shortcuts.search" },
      { keys: ["Alt", "1…5"], does: "shortcuts.pages" },
      { keys: ["?"], does: "shortcuts.help" },
      { keys: ["Esc"], does: "shortcuts.close" },
    ],
  },
  {
    group: "shortcuts.calls",
    items: [
      { keys: [modifier, "Shift", "A"], does: "shortcuts.answer" },
      { keys: [modifier, "Shift", "E"], does: "shortcuts.hang-up" },
      { keys: [modifier, "Shift", "M"], does: "shortcuts.mute" },
      { keys: [modifier, "Shift", "H"], does: "shortcuts.hold" },
    ],
  },
  {
    group: "shortcuts.chats",
    items: [
      { keys: ["Alt", "↑ ↓"], does: "shortcuts.next-chat" },
      { keys: ["Enter"], does: "shortcuts.send" },
      { keys: ["Shift", "Enter"], does: "shortcuts.new-line" },
      { keys: ["↑"], does: "shortcuts.edit-last" },
    ],
  },
];

const PAGES = ["/chats", "/calls", "/people", "/settings", "/admin"];

export function listenToKeys(): () => void {
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}

function onKey(event: KeyboardEvent): void {
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && !event.shiftKey && event.code === "KeyK") return handled(event, () => openCommandBox());
  if (isCommand && event.shiftKey) return callKey(event);
  if (event.altKey && /^Digit[1-5]$/.test(event.code)) {
    const page = PAGES[Number(event.code.at(-1)) - 1];
    if (page && (page !== "/admin" || useSession().isAdmin)) handled(event, () => void router.push(page));
    return;
  }
  if (event.key === "?" && !isTyping(event.target)) handled(event, () => (shortcutsOpen.value = true));
}

function callKey(event: KeyboardEvent): void {
  const phone = usePhone();
  const ringing = phone.incoming[0];
  const active = phone.active;
  if (event.code === "KeyA" && ringing) return handled(event, () => void phone.answer(ringing.id, false));
  if (event.code === "KeyE" && (ringing ?? active)) return handled(event, () => phone.hangUp((ringing ?? active)?.id ?? ""));
  if (event.code === "KeyM" && active) return handled(event, () => phone.mute(active.id, !active.isMuted));
  if (event.code === "KeyH" && active) handled(event, () => phone.toggleHold(active.id));
}

function handled(event: KeyboardEvent, action: () => void): void {
  event.preventDefault();
  action();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
