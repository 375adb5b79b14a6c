/**
 * The server's explanation of a call, line by line, as something that can be drawn.
 *
 * A step begins with its number and perhaps a time of day; the notes below it are indented, `!` before a warning
 * and `-` before an alternative that was not taken. The words stay the server's.
 */

export interface Note {
  text: string;
  isWarning: boolean;
}

export interface ExplainedStep {
  number: number;
  time: string | null;
  text: string;
  reason: string | null; // "because …", "by rule …"
  notes: Note[];
}

export interface Explained {
  heading: string | null;
  steps: ExplainedStep[];
}

const STEP = /^(\d+)\s{2,}(?:(\d\d:\d\d:\d\d)\s{2,})?(.*)$/;
const NOTE = /^\s+([!-])?\s*(.*)$/;
const REASON = /^(.*?), ((?:because|by rule|next in group|потому что|по правилу|следующий в группе).*)$/;

export function parseExplanation(lines: readonly string[]): Explained {
  const explained: Explained = { heading: null, steps: [] };
  for (const line of lines) {
    const step = STEP.exec(line);
    if (step) {
      const [, number, time, text = ""] = step;
      const reason = REASON.exec(text);
      explained.steps.push({
        number: Number(number),
        time: time ?? null,
        text: reason?.[1] ?? text,
        reason: reason?.[2] ?? null,
        notes: [],
      });
      continue;
    }
    const [, mark, text = ""] = NOTE.exec(line) ?? [];
    const last = explained.steps.at(-1);
    if (last && line.startsWith(" ")) last.notes.push({ text, isWarning: mark === "!" });
    else explained.heading ??= sentence(line);
  }
  return explained;
}

const sentence = (line: string): string => line.charAt(0).toLocaleUpperCase() + line.slice(1);

export type Piece = { text: string; number: boolean };

/** A sentence with the numbers in it set apart, so that the page can put names to them. */
export function withNumbers(said: string, isKnown: (number: string) => boolean): Piece[] {
  const sentence = said.replace(/(\d) (s|с|min|мин)(?![\p{L}\d])/gu, "$1\u00a0$2"); // a number stays with its unit
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of sentence.matchAll(/(?<![\w:+.-])\+?[*\d]{2,32}(?![\w:.-]*\d)/g)) {
    if (!isKnown(match[0])) continue;
    if (match.index > end) pieces.push({ text: sentence.slice(end, match.index), number: false });
    pieces.push({ text: match[0], number: true });
    end = match.index + match[0].length;
  }
  if (end < sentence.length) pieces.push({ text: sentence.slice(end), number: false });
  return pieces;
}
