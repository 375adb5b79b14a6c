/** What a browser has and Node has not, as far as the stores need it. */
import { vi } from "vitest";

/** A storage in which nothing is yet; two tabs would share it. */
export class FakeStorage implements Storage {
  [name: string]: unknown;
  readonly #items = new Map<string, string>();

  get length(): number {
    return this.#items.size;
  }
  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.#items.set(key, value);
    this[key] = value; // as Object.keys(localStorage) finds it
  }
  removeItem(key: string): void {
    this.#items.delete(key);
    delete this[key];
  }
  clear(): void {
    for (const key of [...this.#items.keys()]) this.removeItem(key);
  }
}

vi.stubGlobal("localStorage", new FakeStorage());

/** An answer that comes when the test says so. */
export function later<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** A microphone or camera that is open until somebody stops it. */
export class FakeTrack extends EventTarget {
  readyState: "live" | "ended" = "live";
  enabled = true;
  muted = false;
  readonly id = crypto.randomUUID();

  constructor(readonly kind: "audio" | "video") {
    super();
  }
  stop(): void {
    this.readyState = "ended";
  }
  /** Somebody pulls the plug. */
  unplug(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
}

export class FakeStream {
  #tracks: FakeTrack[];

  constructor(tracks: FakeTrack[] = []) {
    this.#tracks = [...tracks];
  }
  getTracks = (): FakeTrack[] => [...this.#tracks];
  getAudioTracks = (): FakeTrack[] => this.#tracks.filter((one) => one.kind === "audio");
  getVideoTracks = (): FakeTrack[] => this.#tracks.filter((one) => one.kind === "video");
  getTrackById = (id: string): FakeTrack | undefined => this.#tracks.find((one) => one.id === id);
  addTrack(track: FakeTrack): void {
    this.#tracks.push(track);
  }
  removeTrack(track: FakeTrack): void {
    this.#tracks = this.#tracks.filter((one) => one !== track);
  }
}
