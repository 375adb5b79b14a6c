/** Messages as they are shown: by day, and those that one person writes in a row under one name. */
import type { Message } from "@/api/chat_schemas";
import { dayKey } from "@/ui/format";

const IN_A_ROW = 5 * 60_000; // ms

export interface Entry {
  message: Message;
  isFirst: boolean; // of a row: the name stands above it
}

export interface Day {
  key: number;
  entries: Entry[];
}

export function inDays(messages: readonly Message[]): Day[] {
  const days: Day[] = [];
  let before: Message | null = null;
  for (const message of messages) {
    const key = dayKey(message.created_at);
    let day = days.at(-1);
    if (!day || day.key !== key) {
      day = { key, entries: [] };
      days.push(day);
      before = null;
    }
    day.entries.push({ message, isFirst: !before || !isRow(before, message) });
    before = message;
  }
  return days;
}

function isRow(before: Message, message: Message): boolean {
  return (
    before.author === message.author &&
    before.kind === "text" &&
    message.kind === "text" &&
    !message.reply_to &&
    Date.parse(message.created_at) - Date.parse(before.created_at) < IN_A_ROW
  );
}

export type Piece = { text: string; href?: string };

/** A text with its web addresses as links. What follows a link as punctuation is not of it. */
export function linked(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    const url = match[0].replace(/[.,;:!?)\]}»”'"]+$/u, "");
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: url, href: url });
    end = match.index + url.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}
