/**
 * One call of this browser as a value, and everything that may happen to it.
 *
 *                 dial                                      invited
 *                  │                                           │
 *            ┌─────▼─────┐  progress  ┌─────────┐         ┌────▼─────┐
 *            │  calling  ├───────────►│ ringing │         │ incoming │
 *            └─────┬─────┘            └────┬────┘         └────┬─────┘
 *                  │ accepted              │ accepted          │ answering
 *                  │                       │              ┌────▼──────┐ no microphone: back
 *                  │                       │              │ answering │
 *                  │                       │              └────┬──────┘
 *                  │                       │                   │ accepted
 *                  │         ┌─────────────▼───────────────────▼┐
 *                  └────────►│              talking             │◄──── hold, resume: flags of it
 *                            └─────────────────┬────────────────┘
 *          failed, from any state              │ ended
 *                            ┌─────────────────▼────────────────┐
 *                            │               over               │
 *                            └──────────────────────────────────┘
 *
 * An event that the state doesn't know is a stray of the network: it changes nothing.
 */
import { assertNever } from "@/ui/assert_never";

export type CallPhase = "calling" | "ringing" | "incoming" | "answering" | "talking" | "over";

/** Why a call came to nothing, in the words of `phone.failure.*`; null: it ended as calls do. */
export type Failure =
  | "busy" | "no-answer" | "refused" | "unreachable" | "not-found" | "cancelled" | "answered-elsewhere"
  | "microphone-blocked" | "microphone-missing" | "camera-missing" | "network" | "media" | "forbidden" | "unavailable" | "failed";

export interface Call {
  id: string;
  direction: "in" | "out";
  number: string;
  name: string;
  phase: CallPhase;
  startedAt: number; // ms, as Date.now()
  answeredAt: number | null;
  endedAt: number | null;
  isVideo: boolean; // offered, or seen, with a picture
  hasCamera: boolean; // mine is on
  hasRemoteVideo: boolean;
  isMuted: boolean;
  isHeldByMe: boolean;
  isHeldByThem: boolean;
  forwardedFor: { number: string; reason: string } | null; // who was called first, and why it came here
  transfer: { to: string; phase: "asked" | "ringing" | "failed" } | null;
  consultFor: string | null; // the call that this one asks about, before it is handed over
  failure: Failure | null;
  code: number | null; // of SIP, for the details
}

export type CallEvent =
  | { type: "progress" }
  | { type: "answering" }
  | { type: "not-answered" } // no microphone: it rings on, here and elsewhere
  | { type: "accepted"; at: number }
  | { type: "muted"; isMuted: boolean }
  | { type: "held"; by: "me" | "them"; isHeld: boolean }
  | { type: "camera"; isOn: boolean }
  | { type: "remote-video"; isOn: boolean }
  | { type: "identified"; number: string; name: string }
  | { type: "transferring"; to: string }
  | { type: "transfer-ringing" }
  | { type: "transfer-failed" }
  | { type: "asked-about-over" } // the call for which this one was made to ask
  | { type: "ended"; at: number }
  | { type: "failed"; at: number; failure: Failure; code: number | null };

export interface NewCall {
  id: string;
  direction: "in" | "out";
  number: string;
  name: string;
  isVideo: boolean;
  at: number;
  forwardedFor?: Call["forwardedFor"];
  consultFor?: string | null;
}

export function newCall(what: NewCall): Call {
  return {
    id: what.id,
    direction: what.direction,
    number: what.number,
    name: what.name,
    phase: what.direction === "in" ? "incoming" : "calling",
    startedAt: what.at,
    answeredAt: null,
    endedAt: null,
    isVideo: what.isVideo,
    hasCamera: false,
    hasRemoteVideo: false,
    isMuted: false,
    isHeldByMe: false,
    isHeldByThem: false,
    forwardedFor: what.forwardedFor ?? null,
    transfer: null,
    consultFor: what.consultFor ?? null,
    failure: null,
    code: null,
  };
}

export const isOver = (call: Call): boolean => call.phase === "over";
export const isHeld = (call: Call): boolean => call.isHeldByMe || call.isHeldByThem;

export function reduceCall(call: Call, event: CallEvent): Call {
  if (isOver(call)) return call;
  switch (event.type) {
    case "progress":
      return call.phase === "calling" ? { ...call, phase: "ringing" } : call;
    case "answering":
      return call.phase === "incoming" ? { ...call, phase: "answering" } : call;
    case "not-answered":
      return call.phase === "answering" ? { ...call, phase: "incoming" } : call;
    case "accepted":
      return call.phase === "talking" ? call : { ...call, phase: "talking", answeredAt: event.at };
    case "muted":
      return { ...call, isMuted: event.isMuted };
    case "held":
      return event.by === "me" ? { ...call, isHeldByMe: event.isHeld } : { ...call, isHeldByThem: event.isHeld };
    case "camera":
      return { ...call, hasCamera: event.isOn, isVideo: event.isOn || call.isVideo };
    case "remote-video":
      return { ...call, hasRemoteVideo: event.isOn };
    case "identified":
      return { ...call, number: event.number, name: event.name };
    case "transferring":
      return call.phase === "talking" ? { ...call, transfer: { to: event.to, phase: "asked" } } : call;
    case "transfer-ringing":
      return call.transfer ? { ...call, transfer: { ...call.transfer, phase: "ringing" } } : call;
    case "transfer-failed":
      return call.transfer ? { ...call, transfer: { ...call.transfer, phase: "failed" } } : call;
    case "asked-about-over":
      return { ...call, consultFor: null };
    case "ended":
      return { ...call, phase: "over", endedAt: event.at };
    case "failed":
      return { ...call, phase: "over", endedAt: event.at, failure: event.failure, code: event.code };
    default:
      return assertNever(event);
  }
}

/** What a SIP status means to a person (RFC 3261 §21; `cause` is JsSIP's word for what has no status). */
export function failureOf(code: number | null, cause: string): Failure {
  switch (code) {
    case 486:
    case 600:
      return "busy";
    case 408:
    case 480:
      return code === 408 ? "no-answer" : "unavailable";
    case 404:
    case 410:
    case 484:
    case 604:
      return "not-found";
    case 487:
      return "cancelled";
    case 603:
      return "refused";
    case 401:
    case 403:
    case 407:
      return "forbidden";
    case 430:
    case 502:
    case 503:
    case 504:
      return "unreachable";
    case 488:
    case 606:
      return "media";
    default:
  }
  if (cause === "Connection Error" || cause === "Request Timeout") return "network";
  if (cause === "No Answer" || cause === "Expires") return "no-answer";
  if (cause === "Canceled") return "cancelled";
  if (cause === "Rejected") return "refused";
  if (cause === "User Denied Media Access") return "microphone-blocked";
  if (/RTP|WebRTC|SDP|Media|ICE|DTLS/i.test(cause)) return "media";
  return "failed";
}
