/**
 * Microphone and camera: opened for a call only, and every track is stopped when it ends.
 *
 * Whoever opens a stream here owns it and hands it back to `release`.
 */
import { reactive } from "vue";

import type { Failure } from "@/phone/call_state";

const KEY = "gorizont.media";

export interface MediaChoice {
  microphone: string | null; // device ids of this browser; null: what the system prefers
  speaker: string | null;
  camera: string | null;
}

export const choice = reactive<MediaChoice>(stored());

export function choose(change: Partial<MediaChoice>): void {
  Object.assign(choice, change);
  localStorage.setItem(KEY, JSON.stringify(choice));
}

function stored(): MediaChoice {
  const none = { microphone: null, speaker: null, camera: null };
  try {
    return { ...none, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<MediaChoice>) };
  } catch {
    return none;
  }
}

/** A microphone or camera that can't be used, and why. */
export class MediaProblem extends Error {
  constructor(readonly failure: Failure) {
    super(failure);
  }
}

/** Every stream that is open, so that none can be forgotten. */
const open = new Set<MediaStream>();

export async function acquire(wanted: { audio: boolean; video: boolean }): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new MediaProblem("microphone-blocked");
  const opening = navigator.mediaDevices.getUserMedia(constraints(wanted, true)).catch((error: unknown) => {
    if (nameOf(error) !== "OverconstrainedError") throw error;
    return navigator.mediaDevices.getUserMedia(constraints(wanted, false)); // what was chosen is gone
  });
  const stream = await opening.catch((error: unknown) => {
    throw problem(error, wanted);
  });
  open.add(stream);
  return stream;
}

const nameOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "name" in error ? String(error.name) : "";

export function release(stream: MediaStream | null): void {
  if (!stream) return;
  for (const track of stream.getTracks()) track.stop();
  open.delete(stream);
}

export function releaseAll(): void {
  for (const stream of [...open]) release(stream);
}

/** How many tracks are open: the tests look at it. */
export const openTracks = (): number =>
  [...open].flatMap((stream) => stream.getTracks()).filter((track) => track.readyState === "live").length;

function constraints(wanted: { audio: boolean; video: boolean }, byChoice: boolean): MediaStreamConstraints {
  const exactly = (id: string | null) => (byChoice && id ? { deviceId: { exact: id } } : {});
  return {
    audio: wanted.audio
      ? { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...exactly(choice.microphone) }
      : false,
    video: wanted.video
      ? { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, ...exactly(choice.camera) }
      : false,
  };
}

function problem(error: unknown, wanted: { audio: boolean; video: boolean }): MediaProblem {
  const name = nameOf(error);
  const isBlocked = name === "NotAllowedError" || name === "SecurityError";
  if (isBlocked) return new MediaProblem(wanted.audio ? "microphone-blocked" : "camera-missing");
  if (name === "NotFoundError" && !wanted.video) return new MediaProblem("microphone-missing");
  return new MediaProblem(wanted.video ? "camera-missing" : "microphone-missing");
}

/** Measures how loud a stream is, 0 to 1, sixty times a second at most. Returns what stops it. */
export function meter(stream: MediaStream, show: (level: number) => void): () => void {
  if (stream.getAudioTracks().length === 0) return () => undefined;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let frame = 0;
  let level = 0;
  const look = (): void => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / samples.length + 1e-9);
    const now = Math.min(1, Math.max(0, (decibels + 60) / 50)); // -60 dB is silence, -10 dB is loud
    level = Math.max(now, level * 0.9);
    show(level);
    frame = requestAnimationFrame(look);
  };
  look();
  return () => {
    cancelAnimationFrame(frame);
    void context.close();
  };
}
