import { EventEmitter } from "node:events";

import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { getCalls, getLiveCalls, getPeople } from "@/api/people";
import { callRecord, liveCall, person } from "@/api/schemas";
import { getMe } from "@/api/session";
import { own } from "@/app/owner";
import { useCalls } from "@/calls/store";
import { useConnection } from "@/live/connection";
import { usePeople } from "@/people/store";
import { later } from "./fakes";

const others = vi.hoisted(() => ({
  chat: { catchUp: vi.fn() }, phone: { reconnect: vi.fn() }, session: { number: "101", taken: vi.fn() },
}));
const socket = Object.assign(new EventEmitter(), {
  connected: false, active: true, connect: vi.fn(), close: vi.fn(() => void socket.removeAllListeners()),
});
vi.mock("socket.io-client", () => ({ io: () => socket }));
vi.mock("@/chat/store", () => ({ useChat: () => others.chat }));
vi.mock("@/phone/store", () => ({ usePhone: () => others.phone }));
vi.mock("@/app/session", () => ({ useSession: () => others.session }));
vi.mock("@/live/dispatch", () => ({ dispatch: vi.fn() }));
vi.mock("@/api/session", () => ({ getMe: vi.fn() }));
vi.mock("@/api/people", () => ({ getPeople: vi.fn(), getPerson: vi.fn(), getCalls: vi.fn(), getLiveCalls: vi.fn() }));

const page = new EventTarget();
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  own("101");
  vi.mocked(getPeople).mockResolvedValue({ items: [], next: null });
  vi.mocked(getCalls).mockResolvedValue({ items: [], next: null });
  vi.mocked(getLiveCalls).mockResolvedValue({ items: [] });
  useConnection().open();
});
afterEach(() => {
  useConnection().close();
  vi.resetAllMocks();
  vi.useRealTimers();
});

describe("the first connection", () => {
  it("fetches people and calls once", async () => {
    socket.emit("connect");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(getPeople).toHaveBeenCalledTimes(1);
    expect(getCalls).toHaveBeenCalledTimes(1);
  });

  it("that does not come leaves nobody without people", async () => {
    await vi.advanceTimersByTimeAsync(5_000);
    expect(getPeople).toHaveBeenCalledTimes(1);
  });
});

describe("a later connection", () => {
  it("fetches again what may have changed meanwhile", async () => {
    socket.emit("connect");
    socket.emit("disconnect", "transport close");
    socket.emit("connect");
    await settled();
    expect(getPeople).toHaveBeenCalledTimes(2);
    expect(others.chat.catchUp).toHaveBeenCalledTimes(2);
    expect(others.phone.reconnect).not.toHaveBeenCalled();
  });

  it("after one that died without a word connects the phone anew too", () => {
    socket.emit("connect");
    socket.emit("disconnect", "ping timeout");
    socket.emit("connect");
    expect(others.phone.reconnect).toHaveBeenCalledTimes(1);
  });

  it("of a browser in which somebody else has signed in meanwhile begins the page anew", () => {
    own("102");
    socket.emit("connect");
    expect(others.session.taken).toHaveBeenCalledTimes(1);
    expect(others.chat.catchUp).not.toHaveBeenCalled();
  });
});

describe("a server that refuses this page", () => {
  it("is asked whether one is signed out, and for a connection again", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    vi.mocked(getMe).mockRejectedValue(new Error("not signed in"));
    socket.active = false;
    socket.emit("connect_error", new Error("too-many"));
    await vi.advanceTimersByTimeAsync(11_000);
    expect(getMe).toHaveBeenCalledTimes(1);
    expect(socket.connect).toHaveBeenCalledTimes(1);
    socket.active = true;
  });
});

describe("what is told while a list is on its way", () => {
  it("holds: a presence is not overwritten by the answer of a moment before", async () => {
    const answer = later<Awaited<ReturnType<typeof getPeople>>>();
    vi.mocked(getPeople).mockReturnValueOnce(answer.promise);
    const boris = person.parse({ number: "102", name: "Boris" });
    usePeople().apply({ type: "loaded", people: [boris] });
    const loading = usePeople().load();
    usePeople().apply({ type: "presence", people: [{ number: "102", presence: "on-the-phone", since: "2026-11-26T12:00:00Z" }] });
    answer.resolve({ items: [boris], next: null });
    await loading;
    expect(usePeople().person("102")?.presence).toBe("on-the-phone");
  });

  it("holds: a call that has ended does not come back to life", async () => {
    const one = { id: "7", state: "talking", direction: "in", other: { number: "102" } };
    const answer = later<Awaited<ReturnType<typeof getLiveCalls>>>();
    vi.mocked(getLiveCalls).mockReturnValueOnce(answer.promise);
    const refreshing = useCalls().refresh();
    await settled();
    useCalls().apply({
      type: "recorded",
      call: callRecord.parse({ id: "7", direction: "in", other: { number: "102" }, started_at: "2026-11-26T12:00:00Z", outcome: "answered" }),
    });
    answer.resolve({ items: [liveCall.parse(one)] });
    await refreshing;
    expect(useCalls().state.live).toEqual([]);
  });
});
