/** How a call ended, in words. */
import type { CallRecord, Cause, Outcome } from "@/api/schemas";
import { hasText, translate } from "@/i18n";
import { usePeople } from "@/people/store";

export function outcomeText(call: CallRecord): string {
  if (call.missed) return translate("calls.missed-one");
  if (call.outcome !== "answered") return translate(`calls.outcome.${call.outcome}`);
  const by = call.answered_by;
  const byOther = call.direction === "out" && by && by !== call.other.number ? usePeople().nameOf(by) : null;
  if (byOther) return translate("calls.answered-by", { name: byOther });
  return translate(call.direction === "in" ? "calls.incoming" : "calls.outgoing");
}

/** Nobody answered. Failed: 500 Server Internal Error. What another version said stays as it is. */
export function causeText({ code, detail }: Cause): string {
  if (!hasText(`calls.cause.${code}`)) return detail || code;
  const text = translate(`calls.cause.${code}`, { detail });
  return detail && code !== "transferred" ? `${text}: ${detail}` : text;
}

export const outcomeTone = (outcome: Outcome): string =>
  outcome === "answered" ? "live" : outcome === "cancelled" ? "muted" : "fail";
