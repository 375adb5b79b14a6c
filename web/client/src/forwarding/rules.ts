/** Forwarding rules while they are edited: what may stand in each kind, and what is still missing. */
import type { Rule, RuleKind } from "@/api/schemas";
import { isDialable, normalised } from "@/phone/numbers";

export const KINDS: readonly RuleKind[] = ["always", "time", "caller", "dnd", "no-answer", "busy", "unreachable"];

/** Kinds of which a person has at most one; of the others one for each caller or window. */
const SINGLE: ReadonlySet<RuleKind> = new Set(["always", "dnd", "no-answer", "busy", "unreachable"]);

export const RING_SECONDS = 20; // the server's own, where a rule names none
export const AFTER = { shortest: 1, longest: 600 }; // s
export const WORKDAYS = [0, 1, 2, 3, 4];
export const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];

export function newRule(kind: RuleKind): Rule {
  switch (kind) {
    case "no-answer":
      return { kind, targets: [], after: RING_SECONDS };
    case "time":
      return { kind, targets: [], start: "18:00", end: "09:00", days: [...WORKDAYS] };
    case "caller":
      return { kind, targets: [], caller: "" };
    default:
      return { kind, targets: [] };
  }
}

/** What may still be added. */
export const addable = (rules: readonly Rule[]): RuleKind[] =>
  KINDS.filter((kind) => !SINGLE.has(kind) || !rules.some((rule) => rule.kind === kind));

/** What is missing in a rule, as the end of a key `forwarding.missing.*`; null: nothing. */
export function missing(rule: Rule): "target" | "caller" | "after" | "time" | "days" | null {
  if (rule.kind !== "dnd" && rule.targets.length === 0) return "target";
  if (rule.kind === "caller" && !isCallerPattern(rule.caller ?? "")) return "caller";
  if (rule.kind === "no-answer" && rule.after != null && !isSeconds(rule.after)) return "after";
  if (rule.kind === "time" && !(rule.start && rule.end)) return "time";
  if (rule.kind === "time" && !rule.days?.length) return "days";
  return null;
}

const isSeconds = (value: number): boolean => Number.isInteger(value) && value >= AFTER.shortest && value <= AFTER.longest;

export const areComplete = (rules: readonly Rule[]): boolean => rules.every((rule) => missing(rule) === null);

/** A number, a prefix as `7495*`, or `anonymous`. */
export const isCallerPattern = (text: string): boolean =>
  text === "anonymous" || isDialable(normalised(text).replace(/\*$/, "") || "x");

/** Only what the server wants to know, so that two lists can be compared. */
export function plain(rule: Rule): Rule {
  const { kind, targets, after, caller, start, end, days } = rule;
  return {
    kind,
    targets: kind === "dnd" ? [] : targets,
    ...(rule.id != null ? { id: rule.id } : {}),
    ...(kind === "no-answer" && after != null ? { after: Number(after) } : {}),
    ...(kind === "caller" ? { caller: caller === "anonymous" ? caller : normalised(caller ?? "") } : {}),
    ...(kind === "time" ? { start, end, days: [...(days ?? EVERY_DAY)].sort() } : {}),
  };
}

export const areSame = (a: readonly Rule[], b: readonly Rule[]): boolean =>
  JSON.stringify(a.map(plain)) === JSON.stringify(b.map(plain));
