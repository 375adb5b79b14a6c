/** Times, sizes and durations as people read them, in the language of the page. */
import { language, translate } from "@/i18n";

const DAY = 86_400_000; // ms

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language() === "ru" ? "ru-RU" : "en-GB";
  const key = locale + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, known);
  return known;
}

type Time = string | number | Date;

const date = (time: Time): Date => (time instanceof Date ? time : new Date(time));
const midnight = (time: Date): number => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
/** How many midnights lie between a time and now. */
const daysAgo = (time: Date, now: Date): number => Math.round((midnight(now) - midnight(time)) / DAY);

/** 12:04 */
export const clock = (time: Time): string => format({ hour: "2-digit", minute: "2-digit" }).format(date(time));

/** 12:04:31 */
export const exactClock = (time: Time): string => format({ timeStyle: "medium" }).format(date(time));

/** 12:04 today, Mon within a week, else 3 Nov or 03.11.24. */
export function shortTime(time: Time, now = new Date()): string {
  const then = date(time);
  const ago = daysAgo(then, now);
  if (ago <= 0) return clock(then);
  if (ago < 7) return format({ weekday: "short" }).format(then);
  if (then.getFullYear() === now.getFullYear()) return format({ day: "numeric", month: "short" }).format(then);
  return format({ day: "2-digit", month: "2-digit", year: "2-digit" }).format(then);
}

/** Today, Yesterday, Monday 3 November. */
export function dayHeading(time: Time, now = new Date()): string {
  const then = date(time);
  const ago = daysAgo(then, now);
  if (ago === 0) return translate("time.today");
  if (ago === 1) return translate("time.yesterday");
  const year = then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  const text = format({ weekday: "long", day: "numeric", month: "long", ...year }).format(then);
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

export const dayKey = (time: Time): number => midnight(date(time));

/** 3 Nov, 12:04 */
export const dateTime = (time: Time): string =>
  format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(date(time));

/** With seconds and the year, for what one looks up. */
export const exactTime = (time: Time): string =>
  format({ dateStyle: "medium", timeStyle: "medium" }).format(date(time)).replace(" г.", ""); // as people write it

/** 3:04, 1:02:03 */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** 40 s, 3 min, 1 h 5 min */
export function durationInWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return translate("time.seconds", { n: seconds });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return translate("time.minutes", { n: minutes });
  const rest = minutes % 60;
  const hours = translate("time.hours", { n: Math.floor(minutes / 60) });
  return rest ? `${hours} ${translate("time.minutes", { n: rest })}` : hours;
}

/** just now, 5 min ago, yesterday at 12:04 … */
export function ago(time: Time, now = new Date()): string {
  const then = date(time);
  const passed = now.getTime() - then.getTime();
  if (passed < 60_000) return translate("time.now");
  if (passed < 3_600_000) return translate("time.ago", { time: translate("time.minutes", { n: Math.floor(passed / 60_000) }) });
  const days = daysAgo(then, now);
  if (days === 0) return translate("time.today-at", { time: clock(then) });
  if (days === 1) return translate("time.yesterday-at", { time: clock(then) });
  return dateTime(then);
}

/** 3.4 MB */
export function size(octets: number): string {
  const units = translate("size.units").split(" ");
  let value = octets;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  const text = value.toLocaleString(language(), { maximumFractionDigits: digits });
  return `${text} ${units[unit] ?? ""}`;
}

/** 10 245 */
export const count = (value: number): string => value.toLocaleString(language());

/** Numbers are sorted as numbers, names as the language does. */
export const byNumber = (a: string, b: string): number => a.localeCompare(b, undefined, { numeric: true });
export const byName = (a: string, b: string): number => a.localeCompare(b, language(), { sensitivity: "base" });
