import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/** Tabs of one browser: what one rings with is what is heard. */
const heard = new Set<object>();
let isAllowed = true;

class FakeContext {
  state = isAllowed ? "running" : "suspended";
  currentTime = 0;
  destination = {};
  resume = async (): Promise<void> => undefined;
  createGain = () => ({
    gain: { setValueAtTime: () => undefined, linearRampToValueAtTime: () => undefined }, connect: () => undefined, disconnect: () => undefined,
  });
}

class FakeOscillator {
  connect(): void {}
  start(): void {
    heard.add(this);
  }
  stop(at?: number): void {
    if (at === undefined) heard.delete(this);
  }
}

/** One lock, and those who wait for it. */
class FakeLocks {
  private last: Promise<unknown> = Promise.resolve();
  request = (_: string, work: () => unknown): Promise<unknown> => (this.last = this.last.then(work));
}

async function tab(): Promise<typeof import("@/phone/sounds")> {
  vi.resetModules();
  return import("@/phone/sounds");
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("AudioContext", FakeContext);
  vi.stubGlobal("OscillatorNode", FakeOscillator);
  vi.stubGlobal("navigator", { locks: new FakeLocks() });
  isAllowed = true;
  heard.clear();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("two tabs that ring for one call", () => {
  it("are heard once, and the second when the first one is closed", async () => {
    const first = await tab();
    const second = await tab();
    first.play("ring");
    second.play("ring");
    await vi.advanceTimersByTimeAsync(0);
    const one = heard.size;
    expect(one).toBe(2); // the two tones of one ring
    first.play(null);
    expect(heard.size).toBe(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(heard.size).toBe(2);
    second.play(null);
    expect(heard.size).toBe(0);
  });

  it("are silent when the call was answered before the second one had its turn", async () => {
    const first = await tab();
    const second = await tab();
    first.play("ring");
    second.play("ring");
    second.play(null);
    first.play(null);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(heard.size).toBe(0);
  });

  it("are heard though the first one may not sound yet", async () => {
    isAllowed = false;
    const first = await tab();
    first.play("ring");
    isAllowed = true;
    const second = await tab();
    second.play("ring");
    await vi.advanceTimersByTimeAsync(0);
    expect(heard.size).toBe(2);
    second.play(null);
    first.play(null);
  });
});

describe("a ring", () => {
  it("ends with what stops ringing, and the tone of a call that has failed does not", async () => {
    const sounds = await tab();
    sounds.play("busy");
    sounds.stopRinging();
    expect(heard.size).toBe(1);
    sounds.play("ring");
    await vi.advanceTimersByTimeAsync(0);
    sounds.stopRinging();
    expect(heard.size).toBe(0);
  });
});
