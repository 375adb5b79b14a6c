/** How a call ended, in words. */
import type { CallRecord, Outcome } from "@/api/schemas";
import { translate } from "@/i18n";
import { usePeople } from "@/people/store";

export function outcomeText(call: CallRecord): string {
  if (call.missed) return translate("calls.missed-one");
  if (call.outcome !== "answered") return translate(`calls.outcome.${call.outcome}`);
  const by = call.answered_by;
  const byOther = call.direction === "out" && by && by !== call.other.number ? usePeople().nameOf(by) : null;
  if (byOther) return translate("calls.answered-by", { name: byOther });
  return translate(call.direction === "in" ? "calls.incoming" : "calls.outgoing");
}

export const outcomeTone = (outcome: Outcome): string =>
  outcome === "answered" ? "live" : outcome === "cancelled" ? "muted" : "fail";
