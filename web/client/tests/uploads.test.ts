import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { attach, discard, forgetUploads, takeComplete, uploadsOf } from "@/chat/uploads";
import "./fakes";

interface Options {
  onSuccess: () => void;
  onError: (error: Error) => void;
}

const started = vi.hoisted(() => [] as { url: string; options: Options; starts: number; aborted: boolean }[]);
vi.mock("tus-js-client", () => ({
  Upload: class {
    url = "https://pbx.example.com/api/v1/uploads/42";
    starts = 0;
    aborted = false;
    constructor(
      readonly file: File,
      readonly options: Options,
    ) {
      started.push(this);
    }
    findPreviousUploads = async (): Promise<never[]> => [];
    start(): void {
      this.starts++;
    }
    abort = async (): Promise<void> => void (this.aborted = true);
  },
}));

const picture = (): File => new File(["x"], "photo.png", { type: "image/png" });
const settled = () => vi.waitFor(() => expect(started.at(-1)?.starts).toBe(1));
const revoked: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:1");
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void revoked.push(url));
  revoked.length = started.length = 0;
});
afterEach(() => {
  forgetUploads();
  vi.useRealTimers();
});

describe("a file", () => {
  it("goes on when one looks into another conversation, and waits for the next message", async () => {
    const item = attach("1", picture());
    await settled();
    expect(uploadsOf("2")).toEqual([]);
    started[0]?.options.onSuccess();
    expect(item.id).toBe("42");
    expect(takeComplete("1").map((one) => one.name)).toEqual(["photo.png"]);
    expect(uploadsOf("1")).toEqual([]);
    expect(revoked).toEqual(["blob:1"]); // its preview is let go of
  });

  it("goes on from where it stopped when the network is back", async () => {
    const item = attach("1", picture());
    await settled();
    started[0]?.options.onError(new Error("the network is gone"));
    expect(item.error).toBeNull();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(started[0]?.starts).toBe(2);
  });

  it("that the server refuses says so, and is not taken for one that was sent", async () => {
    const item = attach("1", picture());
    await settled();
    started[0]?.options.onError(Object.assign(new Error("too large"), { originalResponse: { getStatus: () => 413 } }));
    expect(item.error).toBe("too large");
    expect(takeComplete("1")).toEqual([]);
    expect(uploadsOf("1")).toHaveLength(1);
    discard("1", item);
    expect(uploadsOf("1")).toEqual([]);
  });

  it("of one who signs out does not go on, and leaves nothing to resume", async () => {
    attach("1", picture());
    await settled();
    localStorage.setItem("tus::of-a-file", "{}");
    forgetUploads();
    expect(started[0]?.aborted).toBe(true);
    expect(localStorage.getItem("tus::of-a-file")).toBeNull();
    expect(uploadsOf("1")).toEqual([]);
  });
});
