/** My microphone and my picture within a call, and the new offers that changes of a call need. */
import type { RTCSession } from "jssip/lib/RTCSession";

import type { Failure } from "@/phone/call_state";
import { acquire, MediaProblem, release } from "@/phone/media";

const AGAIN = 250; // ms until an offer is tried again that another one is in the way of

/** One call: its dialog and its media. */
export interface Line {
  session: RTCSession;
  local: MediaStream | null;
  remote: MediaStream | null;
  picture: Picture | null;
  offers: Offers;
}

/** Only one offer may be under way (RFC 3261 §14.1): what is wanted meanwhile waits, the newest wish of each kind. */
export class Offers {
  private readonly wishes = new Map<string, () => boolean>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: RTCSession) {}

  /** Tries `offer` until it says that it was made, or the call ends. */
  want(kind: string, offer: () => boolean): void {
    this.wishes.set(kind, offer);
    this.carryOut();
  }

  end(): void {
    this.wishes.clear();
    clearTimeout(this.timer);
  }

  private carryOut(): void {
    clearTimeout(this.timer);
    if (this.session.isEnded()) return this.end();
    for (const [kind, offer] of [...this.wishes]) if (offer()) this.wishes.delete(kind);
    if (this.wishes.size) this.timer = setTimeout(() => this.carryOut(), AGAIN);
  }
}

/** My microphone: one that is unplugged is replaced by what the system prefers then. */
export class Sound {
  constructor(
    private readonly line: Line,
    private readonly trouble: (failure: Failure) => void,
  ) {
    for (const track of line.local?.getAudioTracks() ?? []) this.watch(track);
  }

  private watch(track: MediaStreamTrack): void {
    track.addEventListener("ended", () => void this.replace(track)); // not told where it is stopped by us
  }

  private async replace(old: MediaStreamTrack): Promise<void> {
    const { session, local } = this.line;
    let fresh: MediaStream | null = null;
    try {
      fresh = await acquire({ audio: true, video: false });
      const track = fresh.getAudioTracks()[0];
      const sender = session.connection?.getSenders().find((one) => one.track === old);
      if (session.isEnded() || !local || !track || !sender) return release(fresh);
      track.enabled = old.enabled;
      await sender.replaceTrack(track);
      if (session.isEnded()) return release(fresh);
      local.removeTrack(old);
      local.addTrack(track); // released with the call's own stream
      fresh.removeTrack(track);
      release(fresh);
      this.watch(track);
    } catch (error) {
      release(fresh);
      if (!session.isEnded()) this.trouble(error instanceof MediaProblem ? error.failure : "microphone-missing");
    }
  }
}

/** My picture: on or off in the middle of a call. */
export class Picture {
  private isTurning = false;

  constructor(
    private readonly line: Line,
    private readonly gone: () => void,
  ) {
    for (const track of line.local?.getVideoTracks() ?? []) track.addEventListener("ended", this.gone);
  }

  /** Whether it was turned: not while it is being turned, and not where the call has ended. Throws a MediaProblem. */
  async turn(isOn: boolean): Promise<boolean> {
    if (this.isTurning) return false;
    this.isTurning = true;
    try {
      return await (isOn ? this.on() : this.off());
    } finally {
      this.isTurning = false;
    }
  }

  private get sending(): RTCRtpTransceiver | undefined {
    return this.line.session.connection
      .getTransceivers()
      .find((one) => one.receiver.track.kind === "video" && one.currentDirection !== "stopped");
  }

  private async off(): Promise<boolean> {
    const { local, session } = this.line;
    for (const track of local?.getVideoTracks() ?? []) {
      track.stop(); // the camera's light goes off
      local?.removeTrack(track);
    }
    await this.sending?.sender.replaceTrack(null);
    if (session.isEnded()) return false;
    if (this.sending) this.sending.direction = "recvonly";
    return true;
  }

  private async on(): Promise<boolean> {
    const { local, session } = this.line;
    const picture = await acquire({ audio: false, video: true });
    const track = picture.getVideoTracks()[0];
    try {
      if (!track || !local || session.isEnded()) return false;
      if (this.sending) {
        await this.sending.sender.replaceTrack(track);
        if (session.isEnded()) return false;
        this.sending.direction = "sendrecv";
      } else {
        session.connection.addTrack(track, local);
      }
      track.addEventListener("ended", this.gone);
      local.addTrack(track);
      picture.removeTrack(track); // it is released with the call's own stream
      return true;
    } finally {
      release(picture); // where the call has ended meanwhile, the camera goes off with it
    }
  }
}
