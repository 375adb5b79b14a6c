/** Invented data for development without a server: an office of 240 people, 200 conversations, 10,000 messages. */

const FIRST = ["Anna", "Boris", "Vera", "Gleb", "Daria", "Egor", "Zhanna", "Ivan", "Kira", "Lev", "Maria", "Nikita", "Olga", "Pavel", "Rita", "Sergey", "Tatiana", "Ulyana", "Fedor", "Yana"];
const LAST = ["Orlova", "Klimov", "Sokolova", "Lebedev", "Morozova", "Volkov", "Zaitseva", "Pavlov", "Semenova", "Golubev", "Vinogradova", "Bogdanov"];
const SENTENCES = [
  "Could you take line 2?", "The delivery is at the gate.", "Done.", "I'll call back in ten minutes.", "The meeting moved to three o'clock, room 4.",
  "Here are the figures for October: https://intranet.office.test/reports/october", "Thanks!", "Who is on duty tonight?", "The customer asks about the invoice again. Shall I forward him to accounting?",
  "Договор подписан, скан в папке.", "Можно перенести на завтра?", "Yes, that works.", "Let me check with Vera first.", "The printer on the second floor is out of paper again.",
  "I updated the plan. Please look at the second page: the dates changed, and the budget for the new office is now in it as well. If something is unclear, call me before five.",
];

export interface MockMessage {
  id: number; conversation: number; seq: number; changed_seq: number; silent: boolean; system: unknown; client_id: string | null; author: string; kind: "text" | "call" | "system"; text: string;
  attachments: unknown[]; reply_to: number | null; call?: unknown; created_at: string; edited_at: string | null; deleted_at: string | null;
}

export interface MockConversation {
  id: number; kind: "direct" | "group"; title: string | null; members: string[]; created_at: string; last: MockMessage | null; unread: number;
  owners: string[]; read_seq: number; reads: Record<string, number>; muted: boolean; seq: number;
}

/** The same numbers every time. */
function randomizer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

export function makeOffice(me: string) {
  const random = randomizer(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const now = Date.now();
  const iso = (ago: number): string => new Date(now - ago).toISOString();
  const MINUTE = 60_000;

  const people = Array.from({ length: 240 }, (_, index) => {
    const number = String(101 + index);
    const presence = pick(["available", "available", "available", "on-the-phone", "away", "offline", "offline", "dnd"]);
    return {
      number,
      name: `${FIRST[index % FIRST.length]} ${LAST[(index * 7) % LAST.length]}`,
      role: index === 0 ? "admin" : "user",
      presence: number === me ? "available" : presence,
      presence_since: iso(Math.floor(random() * 300) * MINUTE),
      favourite: [3, 8, 12].includes(index),
      devices_online: presence === "offline" ? 0 : 1 + Math.floor(random() * 2),
    };
  });
  people[1]!.name = "Boris Klimov";
  people[1]!.presence = "on-the-phone";
  people[4]!.name = "Maximiliane-Alexandra von Hohenstein-Wolkonskaja zu Altenburg";
  const nameOf = (number: string): string => people.find((one) => one.number === number)?.name ?? number;

  let seq = 0;
  const conversations: MockConversation[] = [];
  const messages = new Map<number, MockMessage[]>();
  for (let index = 0; index < 200; index++) {
    const isGroup = index % 6 === 3;
    const others = isGroup ? Array.from({ length: 5 }, () => pick(people).number) : [people[1 + index % 239]!.number];
    const members = [...new Set([me, ...others])];
    const titles = ["Sales", "Night shift", "Office move", "Снабжение", "Reception and the people who keep the doors open at weekends"];
    const list: MockMessage[] = [];
    const size = index === 0 ? 2200 : 39;
    let at = now - (index * 47 + 4) * MINUTE - size * 7 * MINUTE;
    for (let count = 0; count < size; count++) {
      at += (random() < 0.6 ? 0.6 : 18) * MINUTE;
      const isLast = count === size - 1;
      const author = isLast && index % 5 === 1 ? members[1]! : pick(members);
      const isCall = !isGroup && count % 17 === 11;
      list.push({
        id: index * 10_000 + count + 1, conversation: index + 1, seq: ++seq, changed_seq: seq, silent: false, system: null, client_id: null, author: isCall ? members[count % 2]! : author,
        kind: isCall ? "call" : "text", text: isCall ? "" : pick(SENTENCES), attachments: [], reply_to: null, edited_at: random() < 0.03 ? iso(0) : null,
        deleted_at: random() < 0.01 ? iso(0) : null, created_at: new Date(Math.min(at, now - (isLast ? index * 47 + 4 : 5) * MINUTE)).toISOString(),
        ...(isCall ? { call: call(members[count % 2]!, count % 3 === 0 ? "no-answer" : "answered", at) } : {}),
      });
    }
    if (index === 0) enrich(list, members);
    const last = list.at(-1)!;
    const unread = index === 0 ? 0 : index % 5 === 1 ? 1 + (index % 4) : 0;
    conversations.push({
      id: index + 1, kind: isGroup ? "group" : "direct", title: isGroup ? titles[Math.floor(index / 6) % titles.length]! : null, members, owners: isGroup ? [me] : [], created_at: list[0]!.created_at,
      last, unread, read_seq: unread ? list[list.length - 1 - unread]!.seq : last.seq, reads: Object.fromEntries(members.filter((one) => one !== me).map((one) => [one, last.seq - 1])),
      muted: index % 23 === 9, seq: last.seq,
    });
    messages.set(index + 1, list);
  }

  function call(caller: string, outcome: string, at: number) {
    return { id: `c${Math.floor(at)}`, caller, callee: me, answered_by: null, outcome, missed: outcome !== "answered", duration: outcome === "answered" ? 184 : 0 };
  }

  /** The end of the first conversation shows everything that a message can be. */
  function enrich(list: MockMessage[], members: string[]): void {
    const other = members[1]!;
    const set = (back: number, change: Partial<MockMessage>): void => void Object.assign(list[list.length - back]!, { kind: "text", deleted_at: null, edited_at: null, call: undefined }, change);
    for (let back = 14; back >= 1; back--) list[list.length - back]!.created_at = iso((back * 4 + (back > 8 ? 900 : 0)) * MINUTE);
    set(9, { author: other, text: "Could you take line 2? The customer from yesterday is waiting." });
    set(8, { author: me, kind: "call", text: "", call: call(me, "answered", now - 32 * MINUTE) });
    set(7, { author: me, text: "Done. He wants the offer by Friday; I put the old one here so that we don't begin from nothing.", attachments: [{ id: 7, name: "Offer 2026-117 (draft).pdf", type: "application/pdf", size: 348_211, width: null, height: null, has_thumbnail: false, removed: false }] });
    set(6, { author: other, text: "Great, thank you!" });
    set(5, { author: other, text: "", attachments: [{ id: 8, name: "site-plan.png", type: "image/png", size: 812_000, width: 1280, height: 800, has_thumbnail: true, removed: false }] });
    set(4, { author: other, text: "This is how the new floor will look. The reception is on the left, see https://intranet.office.test/move", edited_at: iso(10 * MINUTE) });
    set(3, { author: me, text: "Looks good. Is the server room really that small?", reply_to: list[list.length - 4]!.id });
    set(2, { author: other, kind: "call", text: "", call: call(other, "no-answer", now - 9 * MINUTE) });
    set(1, { author: other, text: "I tried to call you: ring me when you are back at your desk." });
  }

  const calls = Array.from({ length: 160 }, (_, index) => {
    const other = index % 11 === 6 ? { number: "+74951234567", name: null } : { number: people[1 + (index * 13) % 60]!.number, name: null as string | null };
    const direction = index % 3 === 1 ? "out" : "in";
    const outcome = pick(["answered", "answered", "answered", "no-answer", "busy", "cancelled"]);
    const started = now - (index * 71 + 9) * MINUTE;
    const talked = Math.floor(random() * 900) * 1000;
    return {
      id: `r${index}`, direction, other, dialled: direction === "out" ? other.number : me, answered_by: outcome === "answered" ? (direction === "out" ? other.number : me) : null,
      started_at: new Date(started).toISOString(), answered_at: outcome === "answered" ? new Date(started + 7000).toISOString() : null,
      ended_at: new Date(started + 9000 + talked).toISOString(), outcome, cause: outcome === "answered" ? { code: "caller-hung-up", detail: "" } : outcome === "failed" ? { code: "failed", detail: "500 Server Internal Error" } : null, missed: direction === "in" && outcome !== "answered", seen: index > 3,
    };
  });
  return { people, conversations, messages, calls, nameOf, nextSeq: () => ++seq, lastSeq: () => seq };
}

export type Office = ReturnType<typeof makeOffice>;
