import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { pullCall } from "@/api/people";
import type { SipAccount } from "@/api/schemas";
import { renewSip } from "@/api/session";
import { openTracks } from "@/phone/media";
import * as sounds from "@/phone/sounds";
import { usePhone } from "@/phone/store";
import { agents, type UA } from "./fake_jssip";
import { FakeStream, FakeTrack, later } from "./fakes";

const live = vi.hoisted(() => ({ state: { live: [] as { id: string; other: { number: string } }[] } }));
vi.mock("jssip", () => import("./fake_jssip"));
vi.mock("@/app/router", () => ({ router: { push: vi.fn() } }));
vi.mock("@/people/store", () => ({ usePeople: () => ({ nameOf: (number: string) => number }) }));
vi.mock("@/calls/store", () => ({ useCalls: () => live }));
vi.mock("@/api/session", () => ({ renewSip: vi.fn() }));
vi.mock("@/api/people", () => ({ pullCall: vi.fn() }));
vi.mock("@/ui/announcer", () => ({ announceAtOnce: vi.fn() }));
vi.mock("@/phone/sounds", () => ({ play: vi.fn(), stopRinging: vi.fn(), unlock: vi.fn(), key: vi.fn() }));
const closeNote = vi.hoisted(() => vi.fn());
vi.mock("@/ui/notify", () => ({ notify: () => closeNote }));

const getUserMedia = vi.fn();
const account = (password = "first"): SipAccount => ({
  uri: "sip:101@pbx.example.com", username: "101-web", password, path: "/sip", expires_at: new Date(Date.now() + 3_600_000).toISOString(),
});
const settled = () => vi.advanceTimersByTimeAsync(0);
const agent = (): UA => agents.at(-1) as UA;
const opened: FakeTrack[] = [];
const areOpen = (): FakeTrack[] => opened.filter((one) => one.readyState === "live");

function open({ audio, video }: MediaStreamConstraints): FakeStream {
  const kinds = [...(audio ? ["audio" as const] : []), ...(video ? ["video" as const] : [])];
  const tracks = kinds.map((kind) => new FakeTrack(kind));
  opened.push(...tracks);
  return new FakeStream(tracks);
}

const denied = (): Error => Object.assign(new Error("denied"), { name: "NotAllowedError" });

/** The phone of Anna is registered. */
async function begin(): Promise<ReturnType<typeof usePhone>> {
  setActivePinia(createPinia());
  const phone = usePhone();
  await phone.start(account(), "Anna");
  agent().emit("registered");
  return phone;
}

/** Anna talks to somebody whom she has called. */
async function talk(phone: ReturnType<typeof usePhone>, number = "102") {
  await phone.call(number);
  const session = agent().sessions.at(-1);
  session?.emit("accepted", {});
  return { id: phone.activeId ?? "", session };
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  vi.stubGlobal("MediaStream", FakeStream);
  vi.stubGlobal("location", { protocol: "https:", host: "pbx.example.com", hostname: "pbx.example.com" });
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
  getUserMedia.mockImplementation(async (wanted: MediaStreamConstraints) => open(wanted));
  opened.length = agents.length = 0;
});
afterEach(() => {
  usePhone().stop();
  expect(areOpen()).toEqual([]);
  expect(openTracks()).toBe(0);
  vi.resetAllMocks();
  vi.useRealTimers();
});

describe("a call that is hung up while the browser asks for the microphone", () => {
  it("calls nobody, and closes the microphone when it comes", async () => {
    const phone = await begin();
    const asked = later<FakeStream>();
    getUserMedia.mockReturnValueOnce(asked.promise);
    const calling = phone.call("102");
    phone.hangUp(phone.activeId ?? "");
    asked.resolve(open({ audio: true }));
    await calling;
    expect(agent().sessions).toEqual([]);
    expect(areOpen()).toEqual([]);
  });

  it("by the caller closes the microphone too", async () => {
    const phone = await begin();
    const session = agent().ring();
    const asked = later<FakeStream>();
    getUserMedia.mockReturnValueOnce(asked.promise);
    const answering = phone.answer(phone.incoming[0]?.id ?? "", false);
    session.over("remote", "failed", "Canceled");
    asked.resolve(open({ audio: true }));
    await answering;
    expect(areOpen()).toEqual([]);
  });
});

describe("a blocked microphone", () => {
  it("leaves an incoming call ringing, here and on other phones, and says what to do", async () => {
    const phone = await begin();
    const session = agent().ring();
    getUserMedia.mockRejectedValueOnce(denied());
    await phone.answer(phone.incoming[0]?.id ?? "", false);
    expect(session.terminated).toEqual([]);
    expect(phone.incoming).toHaveLength(1);
    expect(phone.problem).toBe("microphone-blocked");
    await phone.answer(phone.incoming[0]?.id ?? "", false); // it is allowed now
    expect(session.connection).not.toBeNull();
  });

  it("is told of also where the chosen one is gone", async () => {
    const phone = await begin();
    getUserMedia.mockRejectedValueOnce(Object.assign(new Error(), { name: "OverconstrainedError" })).mockRejectedValueOnce(denied());
    await phone.call("102");
    expect(phone.problem).toBe("microphone-blocked");
  });
});

describe("in a call", () => {
  it("a microphone that is unplugged is replaced by another one, as loud as it was", async () => {
    const phone = await begin();
    const { id, session } = await talk(phone);
    const [first] = opened;
    if (first) first.enabled = false; // muted
    first?.unplug();
    await settled();
    const [sender] = session?.connection?.getSenders() ?? [];
    expect(sender?.track).toBe(opened[1]);
    expect(sender?.track?.enabled).toBe(false);
    phone.hangUp(id);
    expect(areOpen()).toEqual([]);
  });

  it("the only microphone that is unplugged is told of", async () => {
    const phone = await begin();
    await talk(phone);
    getUserMedia.mockRejectedValueOnce(Object.assign(new Error(), { name: "NotFoundError" }));
    opened[0]?.unplug();
    await settled();
    expect(phone.problem).toBe("microphone-missing");
  });

  it("a camera that comes after its end is closed", async () => {
    const phone = await begin();
    const { id, session } = await talk(phone);
    const asked = later<FakeStream>();
    getUserMedia.mockReturnValueOnce(asked.promise);
    const turning = phone.camera(id, true);
    session?.over("remote");
    asked.resolve(open({ video: true }));
    await turning;
    expect(areOpen()).toEqual([]);
  });

  it("two clicks on the camera open it once", async () => {
    const phone = await begin();
    const { id } = await talk(phone);
    await Promise.all([phone.camera(id, true), phone.camera(id, true)]);
    expect(opened.filter((one) => one.kind === "video")).toHaveLength(1);
    await phone.camera(id, false);
    expect(areOpen().map((one) => one.kind)).toEqual(["audio"]);
  });

  it("another offer under way only delays the hold", async () => {
    const phone = await begin();
    const { id, session } = await talk(phone);
    if (session) session.isOffering = true;
    phone.toggleHold(id);
    expect(phone.active?.isHeldByMe).toBe(false);
    if (session) session.isOffering = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(phone.active?.isHeldByMe).toBe(true);
  });

  it("a consultation can't be joined with a call that has ended", async () => {
    const phone = await begin();
    const first = await talk(phone);
    await phone.call("103", false, first.id);
    const asked = phone.activeId;
    first.session?.over("remote");
    expect(phone.calls.find((one) => one.id === asked)?.consultFor).toBeNull();
  });

  it("that has no microphone yet nobody looks muted", async () => {
    const phone = await begin();
    const asked = later<FakeStream>();
    getUserMedia.mockReturnValueOnce(asked.promise);
    const calling = phone.call("102");
    phone.mute(phone.activeId ?? "", true);
    expect(phone.active?.isMuted).toBe(false);
    asked.resolve(open({ audio: true }));
    await calling;
  });
});

describe("the ring", () => {
  it("stops when a call is answered though another one has failed just before", async () => {
    const phone = await begin();
    await phone.call("102");
    agent().sessions[0]?.over("remote", "failed", "Busy");
    agent().ring("103");
    expect(sounds.play).toHaveBeenLastCalledWith("ring");
    vi.mocked(sounds.stopRinging).mockClear();
    await phone.answer(phone.incoming[0]?.id ?? "", false);
    expect(sounds.stopRinging).toHaveBeenCalled();
  });

  it("takes its note on the desktop away when the caller gives up", async () => {
    await begin();
    agent().ring().over("remote", "failed", "Canceled");
    expect(closeNote).toHaveBeenCalledTimes(1);
  });
});

describe("a call that I take from my desk phone", () => {
  it("is answered by itself, and nobody else who calls at the same time is", async () => {
    const phone = await begin();
    live.state.live = [{ id: "7", other: { number: "103" } }];
    vi.mocked(pullCall).mockResolvedValue(undefined);
    await phone.pull("7", "browser");
    agent().ring("102");
    await settled();
    expect(areOpen()).toEqual([]);
    agent().ring("103");
    await settled();
    expect(areOpen()).toHaveLength(1);
  });
});

describe("the registration", () => {
  it("that is refused is tried again with new credentials", async () => {
    const phone = await begin();
    vi.mocked(renewSip).mockResolvedValue(account("second"));
    agent().emit("registrationFailed");
    expect(phone.registration).toBe("failed");
    await vi.advanceTimersByTimeAsync(6_000);
    expect(agents.map((one) => one.configuration.password)).toEqual(["first", "second"]);
  });

  it("does not look lost when the connection of the one before is closed", async () => {
    const phone = await begin();
    const [old] = agents;
    vi.mocked(renewSip).mockResolvedValue(account("second"));
    await vi.advanceTimersByTimeAsync(3_600_000 * 0.81);
    expect(old?.isStopped).toBe(true);
    agent().emit("registered");
    old?.emit("disconnected");
    expect(phone.registration).toBe("registered");
  });

  it("is not changed under a call that comes while the credentials are fetched", async () => {
    await begin();
    const fresh = later<SipAccount>();
    vi.mocked(renewSip).mockReturnValueOnce(fresh.promise);
    await vi.advanceTimersByTimeAsync(3_600_000 * 0.81);
    const session = agent().ring();
    fresh.resolve(account("second"));
    await settled();
    expect(agents).toHaveLength(1);
    expect(session.isOver).toBe(false);
  });

  it("is made anew when the network is another, but not under a call", async () => {
    const phone = await begin();
    const again = vi.spyOn(agent().transport, "connect");
    const { id } = await talk(phone);
    phone.reconnect();
    expect(again).not.toHaveBeenCalled();
    phone.hangUp(id);
    expect(again).toHaveBeenCalledTimes(1);
  });
});
