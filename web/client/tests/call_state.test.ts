import { describe, expect, it } from "vitest";

import { type Call, type CallEvent, failureOf, newCall, reduceCall } from "@/phone/call_state";

const made = (direction: "in" | "out"): Call =>
  newCall({ id: "1", direction, number: "102", name: "Boris", isVideo: false, at: 1000 });

const after = (call: Call, ...events: CallEvent[]): Call => events.reduce(reduceCall, call);

describe("a call", () => {
  it("goes from calling over ringing to talking and ends", () => {
    const call = made("out");
    expect(call.phase).toBe("calling");
    expect(after(call, { type: "progress" }).phase).toBe("ringing");
    const talking = after(call, { type: "progress" }, { type: "accepted", at: 5000 });
    expect(talking).toMatchObject({ phase: "talking", answeredAt: 5000 });
    expect(after(talking, { type: "ended", at: 9000 })).toMatchObject({ phase: "over", endedAt: 9000, failure: null });
  });

  it("that comes in is answered only once", () => {
    const answering = after(made("in"), { type: "answering" });
    expect(answering.phase).toBe("answering");
    const talking = after(answering, { type: "accepted", at: 2000 }, { type: "accepted", at: 7000 });
    expect(talking.answeredAt).toBe(2000);
  });

  it("takes no event once it is over", () => {
    const over = after(made("out"), { type: "failed", at: 2000, failure: "busy", code: 486 });
    const strays: CallEvent[] = [
      { type: "accepted", at: 3000 },
      { type: "held", by: "them", isHeld: true },
      { type: "ended", at: 4000 },
    ];
    for (const stray of strays) expect(reduceCall(over, stray)).toBe(over);
  });

  it("knows who holds it", () => {
    const talking = after(made("out"), { type: "accepted", at: 1 });
    const both = after(talking, { type: "held", by: "me", isHeld: true }, { type: "held", by: "them", isHeld: true });
    expect(both).toMatchObject({ isHeldByMe: true, isHeldByThem: true });
    expect(after(both, { type: "held", by: "me", isHeld: false })).toMatchObject({ isHeldByMe: false, isHeldByThem: true });
  });

  it("can be transferred only while one talks, and says how that goes", () => {
    expect(after(made("out"), { type: "transferring", to: "103" }).transfer).toBeNull();
    const talking = after(made("out"), { type: "accepted", at: 1 });
    const asked = after(talking, { type: "transferring", to: "103" });
    expect(asked.transfer).toEqual({ to: "103", phase: "asked" });
    expect(after(asked, { type: "transfer-ringing" }).transfer?.phase).toBe("ringing");
    expect(after(asked, { type: "transfer-failed" })).toMatchObject({ phase: "talking", transfer: { phase: "failed" } });
    expect(after(talking, { type: "transfer-failed" }).transfer).toBeNull();
  });

  it("does not ring back after it was answered", () => {
    const talking = after(made("out"), { type: "accepted", at: 1 }, { type: "progress" });
    expect(talking.phase).toBe("talking");
  });
});

describe("a failure in words", () => {
  it.each([
    [486, "Busy", "busy"],
    [600, "Busy", "busy"],
    [603, "Rejected", "refused"],
    [404, "Not Found", "not-found"],
    [408, "Request Timeout", "no-answer"],
    [480, "Unavailable", "unavailable"],
    [403, "Rejected", "forbidden"],
    [503, "Unavailable", "unreachable"],
    [488, "Incompatible SDP", "media"],
    [null, "Connection Error", "network"],
    [null, "User Denied Media Access", "microphone-blocked"],
    [null, "RTP Timeout", "media"],
    [null, "No Answer", "no-answer"],
    [null, "Something New", "failed"],
  ] as const)("%s %s is %s", (code, cause, failure) => {
    expect(failureOf(code, cause)).toBe(failure);
  });
});
