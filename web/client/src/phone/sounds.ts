/** What a phone sounds like, made by Web Audio: ring, ring-back, busy, failure, keys. No files. */

type Name = "ring" | "ringback" | "busy" | "failure" | "waiting";

interface Pattern {
  tones: readonly number[]; // Hz, together
  /** Seconds of sound and silence in turn; repeated `times`, or until it is stopped. */
  cadence: readonly number[];
  times: number;
  volume: number;
}

// Ring-back, busy and congestion are those of ITU-T E.180 for most of Europe and Russia: 425 Hz.
const PATTERNS: Record<Name, Pattern> = {
  ring: { tones: [659.3, 830.6], cadence: [0.4, 0.2, 0.4, 2], times: Infinity, volume: 0.14 },
  waiting: { tones: [440], cadence: [0.2, 0.2, 0.2, 4], times: Infinity, volume: 0.05 },
  ringback: { tones: [425], cadence: [1, 4], times: Infinity, volume: 0.06 },
  busy: { tones: [425], cadence: [0.5, 0.5], times: 3, volume: 0.06 },
  failure: { tones: [425], cadence: [0.25, 0.25], times: 4, volume: 0.06 },
};

// DTMF: rows and columns of the keypad (ITU-T Q.23).
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const KEYS = ["123", "456", "789", "*0#"];
const EDGE = 0.008; // s of fade, against clicks

let context: AudioContext | null = null;
let playing: { name: Name; stop: () => void } | null = null;

/** Browsers let a page sound only after a click or a key: the first one opens the way. */
export function unlock(): void {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}

export function play(name: Name | null): void {
  if (playing?.name === name) return;
  playing?.stop();
  playing = null;
  if (!name) return;
  const start = (): (() => void) => repeat(PATTERNS[name]);
  playing = { name, stop: name === "ring" || name === "waiting" ? alone(start) : start() };
}

/**
 * Of several tabs of this browser one rings; the next one goes on if that is closed. A tab that may not sound yet leaves
 * it to the others.
 */
function alone(start: () => () => void): () => void {
  unlock();
  if (context?.state !== "running" || !navigator.locks) return start();
  let isStopped = false;
  let stop = (): void => undefined;
  void navigator.locks.request("gorizont.ring", () => {
    if (isStopped) return;
    return new Promise<void>((done) => {
      const silence = start();
      stop = () => {
        silence();
        done();
      };
    });
  });
  return () => {
    isStopped = true;
    stop();
  };
}

/** Ends what says that somebody is called; what says how a call ended goes on to its end. */
export function stopRinging(): void {
  if (playing && PATTERNS[playing.name].times === Infinity) play(null);
}

export function key(tone: string): void {
  const row = KEYS.findIndex((keys) => keys.includes(tone));
  const column = KEYS[row]?.indexOf(tone) ?? -1;
  if (row >= 0 && column >= 0) beep([ROWS[row] ?? 0, COLUMNS[column] ?? 0], 0.12, 0.05);
}

function repeat(pattern: Pattern): () => void {
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silence: () => void = () => undefined;
  let round = 0;
  const step = (index: number): void => {
    if (isStopped) return;
    if (index === pattern.cadence.length) {
      if (++round >= pattern.times) return;
      index = 0;
    }
    const seconds = pattern.cadence[index] ?? 0;
    if (index % 2 === 0) silence = beep(pattern.tones, seconds, pattern.volume);
    timer = setTimeout(() => step(index + 1), seconds * 1000);
  };
  step(0);
  return () => {
    isStopped = true;
    clearTimeout(timer);
    silence();
  };
}

function beep(tones: readonly number[], seconds: number, volume: number): () => void {
  unlock();
  if (!context || context.state !== "running") return () => undefined;
  const now = context.currentTime;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, now);
  gain.gain.linearRampToValueAtTime(volume, now + EDGE);
  gain.gain.setValueAtTime(volume, now + seconds - EDGE);
  gain.gain.linearRampToValueAtTime(0, now + seconds);
  gain.connect(context.destination);
  const oscillators = tones.map((frequency) => {
    const oscillator = new OscillatorNode(context as AudioContext, { frequency });
    oscillator.connect(gain);
    oscillator.start(now);
    oscillator.stop(now + seconds);
    return oscillator;
  });
  return () => {
    for (const oscillator of oscillators) oscillator.stop();
    gain.disconnect();
  };
}
