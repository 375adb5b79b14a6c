/** A much simplified routing for the mock: lines in the shape of the server's explanation. */

interface MockRule {
  kind: string;
  targets: string[];
  after?: number;
}

export function simulated(number: string, rules: MockRule[], states: Record<string, string>, language: string): { lines: string[]; plan: string[]; warnings: string[] } {
  const ru = language.startsWith("ru");
  const lines: string[] = [];
  const step = (text: string): void => void lines.push(`${lines.length + 1}  ${text}`);
  const find = (kind: string): MockRule | undefined => rules.find((rule) => rule.kind === kind && rule.targets.length);
  const rings = (rule: MockRule, words: string): string =>
    ru ? `${words}: звонит ${rule.targets.join(" и ")}, 20 с, по правилу '${rule.kind}' (версия 7)` : `${words}: rings ${rule.targets.join(" and ")} for 20 s, by rule '${rule.kind}' (version 7)`;
  const always = find("always");
  if (always) {
    step(rings(always, ru ? "звонок сразу уходит дальше" : "the call goes on at once"));
    return { lines, plan: lines, warnings: [] };
  }
  const seconds = find("no-answer")?.after ?? 20;
  step(ru ? `звонит ${number}, ${seconds} с, потому что набран ${number}` : `rings ${number} for ${seconds} s, because ${number} was dialled`);
  const state = states[number];
  for (const [kind, english, russian] of [
    ["no-answer", "does not answer", "не отвечает"],
    ["busy", "is busy or declines", "занят или отклоняет"],
    ["unreachable", "is not reachable", "не в сети"],
  ] as const) {
    if (state && state !== kind) continue;
    const rule = find(kind);
    if (rule) step(rings(rule, `${number} ${ru ? russian : english}`));
    else step(ru ? `${number} ${russian}: звонок завершается` : `${number} ${english}: the call ends`);
  }
  if (find("busy")?.targets.includes("102")) lines.push(ru ? `   ! переадресация на ${number} по правилу 'busy' абонента 102 (версия 2) остановлена: ${number} уже в цепочке` : `   ! forward to ${number} by rule 'busy' of 102 (version 2) stopped: ${number} is already in this chain`);
  return { lines, plan: lines, warnings: [] };
}

export const explanation = (number: string): string[] => [
  `call from 102 to ${number} on Thursday 2026-11-26 at 12:02, directory version 41`,
  `1  12:02:04  rings ${number} for 20 s, because ${number} was dialled`,
  `   - rule 'time' 18:00-09:00 mon-fri of ${number} (version 3) did not hold on Thursday at 12:02`,
  `2  12:02:24  ${number} did not answer (20 s): rings 105 for 20 s, by rule 'no answer' (version 7)`,
  "   - rule 'busy' (version 2) was not asked: another rule comes first",
  "3  105 answered after 6 s",
];
