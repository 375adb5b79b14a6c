import { beforeEach, describe, expect, it } from "vitest";

import type { Conversation, Message, Sync } from "@/api/chat_schemas";
import { type ChatEvent, type ChatState, directWith, emptyChat, ordered, type Pending, reduceChat } from "@/chat/state";

const ME = "101";

const message = (seq: number, change: Partial<Message> = {}): Message => ({
  id: String(seq),
  conversation: "1",
  seq,
  changed_seq: seq,
  author: "102",
  kind: "text",
  silent: false,
  text: `message ${seq}`,
  attachments: [],
  created_at: new Date(seq * 1000).toISOString(),
  ...change,
});

const conversation = (change: Partial<Conversation> = {}): Conversation => ({
  id: "1",
  kind: "direct",
  title: null,
  members: [ME, "102"],
  owners: [],
  reads: {},
  created_at: new Date(0).toISOString(),
  seq: 10,
  last: message(10),
  unread: 0,
  read_seq: 10,
  muted: false,
  ...change,
});

const nothing: Sync = { seq: 0, reset: false, conversations: [], removed: [], messages: [], reads: [] };
const pending: Pending = {
  clientId: "c-1", conversation: "1", text: "hello", attachments: [], replyTo: null, createdAt: "", status: "sending", error: null,
};

let state: ChatState;
const apply = (...events: ChatEvent[]): ChatState => (state = events.reduce(reduceChat, state));
const seqs = (): number[] => state.timelines["1"]?.messages.map((one) => one.seq) ?? [];

beforeEach(() => {
  state = emptyChat(ME);
  apply(
    { type: "conversations.loaded", conversations: [conversation()], seq: 10 },
    { type: "page.loaded", conversation: "1", messages: [message(9), message(10)], isComplete: false },
  );
});

describe("a timeline", () => {
  it("has no gap after an old message was changed while nobody listened", () => {
    const old = message(2, { text: "changed", changed_seq: 20 });
    apply({ type: "synced", sync: { ...nothing, seq: 20, messages: [old] } });
    expect(seqs()).toEqual([9, 10]);
    apply({ type: "page.loaded", conversation: "1", messages: [old, message(3)], isComplete: true });
    expect(seqs()).toEqual([2, 3, 9, 10]);
  });

  it("that is no longer looked at keeps its newest messages only, and can be read back again", () => {
    apply({ type: "closed", conversation: "1", keep: 1 });
    expect(seqs()).toEqual([10]);
    expect(state.timelines["1"]?.isComplete).toBe(false);
  });

  it("stays in order whatever comes first, and has each message once", () => {
    apply({ type: "message.sent", message: message(12), seq: 12 }, { type: "message.sent", message: message(11), seq: 11 });
    apply({ type: "message.sent", message: message(12), seq: 12 });
    apply({ type: "page.loaded", conversation: "1", messages: [message(7), message(8), message(9)], isComplete: true });
    expect(seqs()).toEqual([7, 8, 9, 10, 11, 12]);
    expect(state.timelines["1"]?.isComplete).toBe(true);
  });

  it("keeps the newer of two copies of a message", () => {
    apply({ type: "message.changed", message: message(10, { text: "edited", changed_seq: 15 }), seq: 15 });
    apply({ type: "page.loaded", conversation: "1", messages: [message(10)], isComplete: false });
    expect(state.timelines["1"]?.messages.at(-1)?.text).toBe("edited");
    expect(state.conversations["1"]?.last?.text).toBe("edited");
  });

  it("that was never opened takes no single messages: it would have gaps", () => {
    apply({ type: "conversation.added", conversation: conversation({ id: "2", last: null }) });
    apply({ type: "message.sent", message: message(11, { conversation: "2" }), seq: 11 });
    expect(state.timelines["2"]).toBeUndefined();
    expect(state.conversations["2"]?.last?.seq).toBe(11);
  });
});

describe("what is unread", () => {
  it("counts messages of others, once each", () => {
    apply({ type: "message.sent", message: message(11), seq: 11 }, { type: "message.sent", message: message(11), seq: 11 });
    expect(state.conversations["1"]?.unread).toBe(1);
  });

  it("does not count what is silent, or mine", () => {
    apply({ type: "message.sent", message: message(11, { silent: true }), seq: 11 });
    apply({ type: "message.sent", message: message(12, { author: ME }), seq: 12 });
    expect(state.conversations["1"]?.unread).toBe(0);
  });

  it("is nothing once I have read it in another browser", () => {
    apply({ type: "message.sent", message: message(11), seq: 11 }, { type: "message.sent", message: message(12), seq: 12 });
    apply({ type: "read.changed", read: { conversation: "1", number: ME, read_seq: 11 }, seq: 13 });
    expect(state.conversations["1"]?.unread).toBe(1);
    apply({ type: "read.changed", read: { conversation: "1", number: ME, read_seq: 12 }, seq: 14 });
    expect(state.conversations["1"]?.unread).toBe(0);
  });

  it("does not come back when a mark arrives late", () => {
    apply({ type: "read.changed", read: { conversation: "1", number: ME, read_seq: 8 }, seq: 11 });
    expect(state.conversations["1"]).toMatchObject({ read_seq: 10, unread: 0 });
  });

  it("is read by others when they say so, or write", () => {
    apply({ type: "read.changed", read: { conversation: "1", number: "102", read_seq: 9 }, seq: 11 });
    expect(state.conversations["1"]?.reads["102"]).toBe(9);
    apply({ type: "message.sent", message: message(12), seq: 12 });
    expect(state.conversations["1"]?.reads["102"]).toBe(12);
  });
});

describe("a message that I send", () => {
  it("is replaced by the server's copy, whether the event or the answer is first", () => {
    apply({ type: "queued", pending });
    const mine = message(11, { author: ME, client_id: "c-1", text: "hello" });
    apply({ type: "message.sent", message: mine, seq: 11 }, { type: "message.sent", message: mine });
    expect(state.pending).toEqual([]);
    expect(seqs()).toEqual([9, 10, 11]);
  });

  it("stays with its error until it is sent again or discarded", () => {
    apply({ type: "queued", pending }, { type: "pending.changed", clientId: "c-1", status: "failed", error: "too long" });
    expect(state.pending[0]).toMatchObject({ status: "failed", error: "too long" });
    apply({ type: "discarded", clientId: "c-1" });
    expect(state.pending).toEqual([]);
  });
});

describe("catching up", () => {
  it("ends where the events would have led", () => {
    const live = [message(11), message(12, { author: ME, client_id: "c-1" })];
    let byEvents = state;
    for (const one of live) byEvents = reduceChat(byEvents, { type: "message.sent", message: one, seq: one.seq });
    apply({
      type: "synced",
      sync: { ...nothing, seq: 12, messages: live, conversations: [conversation({ last: live[1]!, read_seq: 12, reads: { "102": 11, [ME]: 12 } })] },
    });
    expect(state.timelines).toEqual(byEvents.timelines);
    expect(state.conversations["1"]).toMatchObject({ unread: 0, read_seq: 12 });
    expect(state.seq).toBe(byEvents.seq);
  });

  it("removes what is not mine any more", () => {
    apply({ type: "synced", sync: { ...nothing, seq: 20, removed: ["1"] } });
    expect(state.conversations).toEqual({});
    expect(state.timelines).toEqual({});
  });

  it("forgets everything when the server says so", () => {
    apply({ type: "synced", sync: { ...nothing, seq: 5, reset: true } });
    expect(state.timelines).toEqual({});
    expect(state.seq).toBe(5);
  });
});

describe("conversations", () => {
  it("stand in the order of their last message", () => {
    apply({ type: "conversation.added", conversation: conversation({ id: "2", members: [ME, "103"], last: message(20, { conversation: "2" }) }) });
    expect(ordered(state).map((one) => one.id)).toEqual(["2", "1"]);
    apply({ type: "message.sent", message: message(21), seq: 21 });
    expect(ordered(state).map((one) => one.id)).toEqual(["1", "2"]);
  });

  it("keep what is mine when their facts change", () => {
    apply({ type: "message.sent", message: message(11), seq: 11 });
    const { last: _, unread: __, read_seq: ___, muted: ____, ...facts } = conversation({ title: "Sales", kind: "group" });
    apply({ type: "conversation.changed", conversation: facts, seq: 12 });
    expect(state.conversations["1"]).toMatchObject({ title: "Sales", unread: 1 });
  });

  it("are found by the other person", () => {
    expect(directWith(state, "102")?.id).toBe("1");
    expect(directWith(state, "103")).toBeUndefined();
  });
});
