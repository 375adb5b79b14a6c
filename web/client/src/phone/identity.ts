/** Who calls, for whom a call was meant and whether with a picture, read off an INVITE. */
import type { Call } from "@/phone/call_state";

/** The part of JsSIP's request that is read here. */
export interface Headers {
  getHeader(name: string): string | undefined;
  getHeaders(name: string): string[];
}

const URI_USER = /<?sips?:([^@;>]+)@/i;

/** The number in a SIP address, as it is dialled. */
export function numberIn(address: string): string {
  const user = URI_USER.exec(address)?.[1] ?? "";
  return decodeURIComponent(user.split(";")[0] ?? "");
}

/**
 * Who was called first and why the call came here: Diversion (RFC 5806), whose last value is the first
 * diversion, else History-Info (RFC 7044), whose first entry is the number that was dialled.
 */
export function forwardedFor(request: Headers, mine: string): Call["forwardedFor"] {
  const diversion = split(request.getHeaders("Diversion")).at(-1);
  if (diversion) {
    const number = numberIn(diversion);
    const reason = /;\s*reason="?([a-z-]+)/i.exec(diversion)?.[1] ?? "";
    if (number && number !== mine) return { number, reason: word(reason) };
  }
  const history = split(request.getHeaders("History-Info"));
  if (history.length > 1 && history[0]) {
    const number = numberIn(history[0]);
    const code = /cause(?:=|%3D)(\d{3})/i.exec(history.slice(1).join(","))?.[1] ?? "";
    if (number && number !== mine) return { number, reason: word(code) };
  }
  return null;
}

/** One word for what both headers say: the keys of `phone.because.*`. */
function word(reason: string): string {
  switch (reason) {
    case "user-busy":
    case "486":
      return "busy";
    case "no-answer":
    case "408":
      return "no-answer";
    case "unavailable":
    case "404":
    case "480":
    case "503":
      return "unreachable";
    case "do-not-disturb":
      return "dnd";
    default:
      return "always";
  }
}

/** Values of a header that may be listed with commas; those inside of quotes and brackets part nothing. */
function split(values: string[]): string[] {
  return values.flatMap((value) => value.match(/(?:[^,"<]|"(?:\\.|[^"])*"|<[^>]*>)+/g) ?? []).map((one) => one.trim());
}

/** Whether a cancelled call was taken on another device (RFC 3326: Reason with cause 200). */
export function isAnsweredElsewhere(reason: string | undefined): boolean {
  return reason !== undefined && /cause\s*=\s*200/.test(reason);
}

/** Whether an offer has a picture. Firefox gives it port 0 where it will share that of the sound (RFC 9143 §6). */
export function offersVideo(description: string): boolean {
  const sections = description.split(/^(?=m=)/m).filter((section) => section.startsWith("m=video "));
  return sections.some((section) => !section.startsWith("m=video 0 ") || /^a=bundle-only\s*$/m.test(section));
}
