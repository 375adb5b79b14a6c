import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import * as api from "@/api/chat";
import type { Conversation, Message, Sync } from "@/api/chat_schemas";
import { ApiError } from "@/api/http";
import { loadPending, storeDraft, draftOf } from "@/chat/outbox";
import { useChat } from "@/chat/store";
import { own } from "@/app/owner";
import { later } from "./fakes";

const socket = vi.hoisted(() => ({ ask: vi.fn(), emit: vi.fn(), isOnline: true }));
vi.mock("@/live/connection", () => ({ useConnection: () => socket }));
vi.mock("@/app/router", () => ({ router: { push: vi.fn() } }));
vi.mock("@/people/store", () => ({ usePeople: () => ({ nameOf: (number: string) => number }) }));
vi.mock("@/ui/announcer", () => ({ announce: vi.fn() }));
vi.mock("@/ui/notify", () => ({ notify: vi.fn() }));
vi.mock("@/api/chat", () => ({
  getConversations: vi.fn(), getMessages: vi.fn(), getSync: vi.fn(), sendMessage: vi.fn(), markRead: vi.fn(), editMessage: vi.fn(),
}));

const message = (seq: number, change: Partial<Message> = {}): Message => ({
  id: String(seq), conversation: "1", seq, changed_seq: seq, author: "102", kind: "text", silent: false, text: `message ${seq}`,
  attachments: [], created_at: new Date(seq * 1000).toISOString(), ...change,
});
const conversation = (change: Partial<Conversation> = {}): Conversation => ({
  id: "1", kind: "direct", title: null, members: ["101", "102"], owners: [], reads: {}, created_at: new Date(0).toISOString(), seq: 10,
  last: message(10), unread: 0, read_seq: 10, muted: false, ...change,
});
const nothing = (seq: number): Sync => ({ seq, reset: false, conversations: [], removed: [], messages: [], reads: [] });
const unavailable = (): ApiError => new ApiError(503, "unavailable", "come again");
const event = (one: Message) => ({ type: "message.sent" as const, seq: one.seq, data: { message: one } });
const seqs = (): number[] => useChat().state.timelines["1"]?.messages.map((one) => one.seq) ?? [];
const settled = () => vi.advanceTimersByTimeAsync(0);

/** Anna has read up to message 10 and is connected. */
async function begin(): Promise<ReturnType<typeof useChat>> {
  setActivePinia(createPinia());
  const chat = useChat();
  chat.begin("101", 10);
  await chat.catchUp();
  await chat.loadOlder("1");
  return chat;
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  own("101");
  socket.ask.mockResolvedValue(null);
  vi.mocked(api.getConversations).mockResolvedValue({ items: [conversation()], next: null });
  vi.mocked(api.getMessages).mockResolvedValue({ items: [message(9), message(10)], next: null });
  vi.mocked(api.getSync).mockImplementation(async (since) => nothing(since));
  vi.mocked(api.markRead).mockResolvedValue(undefined);
  vi.mocked(api.sendMessage).mockImplementation(async (id, what) =>
    message(100 + vi.mocked(api.sendMessage).mock.calls.length, { conversation: id, author: "101", text: what.text, client_id: what.client_id }),
  );
});
afterEach(() => {
  useChat().end();
  vi.resetAllMocks();
  vi.useRealTimers();
});

describe("catching up after the connection was lost", () => {
  it("that fails is tried again, and what came meanwhile does not hide what was missed", async () => {
    const chat = await begin();
    vi.mocked(api.getSync).mockRejectedValueOnce(unavailable()).mockRejectedValueOnce(unavailable());
    await chat.catchUp();
    chat.receive(event(message(13)));
    expect(seqs()).toEqual([9, 10, 13]); // shown at once
    vi.mocked(api.getSync).mockImplementation(async (since) => ({
      ...nothing(13),
      messages: [11, 12, 13].filter((seq) => seq > since).map((seq) => message(seq)),
    }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seqs()).toEqual([9, 10, 11, 12, 13]);
    expect(vi.mocked(api.getSync).mock.calls.at(-2)?.[0]).toBe(10);
    chat.receive(event(message(14)));
    expect(chat.state.seq).toBe(14);
  });

  it("waits longer each time the server is away", async () => {
    const chat = await begin();
    vi.mocked(api.getSync).mockClear().mockRejectedValue(unavailable());
    void chat.catchUp();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(vi.mocked(api.getSync).mock.calls.length).toBeLessThan(9);
  });

  it("ends with the one who has signed out", async () => {
    const chat = await begin();
    vi.mocked(api.getSync).mockRejectedValue(unavailable());
    await chat.catchUp();
    chat.end();
    vi.mocked(api.getSync).mockClear();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(api.getSync).not.toHaveBeenCalled();
  });

  it("shows the list while the server is asked for another one that has more than it can say", async () => {
    const chat = await begin();
    vi.mocked(api.getSync).mockResolvedValueOnce({ ...nothing(900), reset: true });
    const list = later<{ items: Conversation[]; next: null }>();
    vi.mocked(api.getConversations).mockReturnValueOnce(list.promise);
    const done = chat.catchUp();
    await settled();
    expect(chat.conversations).toHaveLength(1);
    list.resolve({ items: [conversation(), conversation({ id: "2" })], next: null });
    await done;
    expect(chat.conversations).toHaveLength(2);
    expect(chat.state.seq).toBe(900);
  });

  it("fetches the list of conversations once when a page begins", async () => {
    setActivePinia(createPinia());
    useChat().begin("101", 10);
    void useChat().catchUp(); // by the start of the page
    await settled();
    await useChat().catchUp(); // by the connection
    expect(api.getConversations).toHaveBeenCalledTimes(1);
  });

  it("tells again what was read while nobody listened", async () => {
    const chat = await begin();
    chat.receive(event(message(11)));
    vi.mocked(api.markRead).mockRejectedValueOnce(new ApiError(0, "offline", ""));
    await chat.markRead("1");
    vi.mocked(api.markRead).mockClear();
    await chat.catchUp();
    expect(vi.mocked(api.markRead).mock.calls).toEqual([["1", 11]]);
    await chat.catchUp();
    expect(api.markRead).toHaveBeenCalledTimes(1);
  });
});

describe("a timeline", () => {
  it("has the message that comes while its first page is on its way", async () => {
    const chat = await begin();
    chat.apply({ type: "conversation.added", conversation: conversation({ id: "2", last: null }) });
    const page = later<{ items: Message[]; next: null }>();
    vi.mocked(api.getMessages).mockReturnValueOnce(page.promise);
    const done = chat.loadOlder("2");
    chat.receive(event(message(20, { conversation: "2" })));
    page.resolve({ items: [message(5, { conversation: "2" })], next: null });
    await done;
    expect(chat.state.timelines["2"]?.messages.map((one) => one.seq)).toEqual([5, 20]);
  });

  it("gets no gap by a page that comes after everything was forgotten", async () => {
    const chat = await begin();
    const fifty = (first: number): Message[] => Array.from({ length: 50 }, (_, index) => message(index + first));
    chat.apply({ type: "closed", conversation: "1", keep: 1 });
    vi.mocked(api.getMessages).mockResolvedValue({ items: fifty(200), next: null });
    const old = later<{ items: Message[]; next: null }>();
    vi.mocked(api.getMessages).mockReturnValueOnce(old.promise);
    const done = chat.loadOlder("1");
    chat.openId = "1";
    await chat.reset();
    old.resolve({ items: [message(1)], next: null });
    await done;
    expect(seqs()).toEqual(fifty(200).map((one) => one.seq));
  });
});

describe("what is sent", () => {
  it("arrives in the order in which it was written, though the first one fails at first", async () => {
    const chat = await begin();
    vi.mocked(api.sendMessage).mockRejectedValueOnce(new ApiError(0, "offline", ""));
    for (const text of ["one", "two", "three"]) chat.send("1", text);
    await settled();
    expect(api.sendMessage).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(vi.mocked(api.sendMessage).mock.calls.map(([, what]) => what.text)).toEqual(["one", "one", "two", "three"]);
    expect(chat.state.pending).toEqual([]);
    expect(loadPending()).toEqual([]);
  });

  it("is not asked for twice when the connection comes back meanwhile", async () => {
    const chat = await begin();
    const answer = later<Message>();
    vi.mocked(api.sendMessage).mockReturnValueOnce(answer.promise);
    chat.send("1", "hello");
    await settled();
    await chat.catchUp();
    expect(api.sendMessage).toHaveBeenCalledTimes(1);
  });

  it("and was refused stays refused after a reload, and does not hold up what follows", async () => {
    const chat = await begin();
    vi.mocked(api.sendMessage).mockRejectedValueOnce(new ApiError(422, "invalid", "too long"));
    chat.send("1", "refused");
    chat.send("1", "good");
    await settled();
    const again = await begin();
    await settled();
    expect(again.state.pending.map((one) => [one.text, one.status])).toEqual([["refused", "failed"]]);
    again.retry(again.state.pending[0]?.clientId ?? "");
    await settled();
    expect(again.state.pending).toEqual([]);
  });

  it("in another tab stays stored when this one has sent everything", async () => {
    const chat = await begin();
    localStorage.setItem("gorizont.pending.of-another-tab", JSON.stringify({ clientId: "of-another-tab", conversation: "1", createdAt: "" }));
    chat.send("1", "mine");
    await settled();
    expect(loadPending().map((one) => one.clientId)).toEqual(["of-another-tab"]);
  });

  it("by one person is never sent by the next who signs in here", async () => {
    const chat = await begin();
    vi.mocked(api.sendMessage).mockRejectedValue(new ApiError(401, "not-signed-in", ""));
    chat.send("1", "from Anna");
    storeDraft("1", "half of it");
    await settled();
    chat.end();
    own("101");
    expect(loadPending()).toHaveLength(1); // she herself finds it again
    own("102");
    expect([loadPending(), draftOf("1")]).toEqual([[], ""]);
  });
});
