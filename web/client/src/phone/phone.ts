/**
 * The SIP phone of this browser: JsSIP over `wss://origin/sip`, translated to events of `call_state`.
 *
 * Nothing here is reactive and nobody else touches JsSIP. The credentials live for a short time; they are
 * renewed before their end, with a new user agent once no call needs the old one.
 */
import type { IncomingRTCSessionEvent, RTCSessionEvent, UA as UserAgent } from "jssip/lib/UA";
import type { EndEvent, RTCSession } from "jssip/lib/RTCSession";

import type { SipAccount } from "@/api/schemas";
import { type CallEvent, type Failure, failureOf, type NewCall } from "@/phone/call_state";
import { forwardedFor, isAnsweredElsewhere, numberIn, offersVideo } from "@/phone/identity";
import { acquire, MediaProblem, release } from "@/phone/media";
import { type Line, Offers, Picture, Sound } from "@/phone/tracks";

export type Registration = "off" | "connecting" | "registered" | "failed";

export interface PhoneListener {
  registration(state: Registration): void;
  invited(call: NewCall): void;
  happened(id: string, event: CallEvent): void;
  streams(id: string, local: MediaStream | null, remote: MediaStream | null): void;
  trouble(failure: Failure): void; // with a microphone, in the middle of a call
}

const GATHERING = 30; // ms without another candidate; those for UDP come at once, those for TCP much later and for nothing
const RENEW_BEFORE = 0.8; // of the life of the credentials
const REGISTER_SECONDS = 300;
const NEW_ACCOUNT_AFTER = 5_000; // ms after a registration was refused
const TONE = { duration: 120, interToneGap: 70 }; // ms

/** JsSIP's transport, as far as it is used here; its types have none. */
interface Reconnectable {
  connect(): void;
  disconnect(): void;
}

export class Phone {
  private agent: UserAgent | null = null;
  private readonly lines = new Map<string, Line>();
  private renewal: ReturnType<typeof setTimeout> | undefined;
  private domain = "";
  private number = "";
  private isStopped = false;

  constructor(
    private readonly listener: PhoneListener,
    private readonly renew: () => Promise<SipAccount>,
  ) {}

  async start(account: SipAccount, name: string): Promise<void> {
    const { UA, WebSocketInterface } = await import("jssip"); // large, and not needed to read a message
    if (this.isStopped) return;
    this.number = numberIn(account.uri);
    this.domain = account.uri.split("@")[1] ?? location.hostname;
    const scheme = location.protocol === "http:" ? "ws" : "wss";
    const agent = new UA({
      sockets: [new WebSocketInterface(`${scheme}://${location.host}${account.path}`)],
      uri: account.uri,
      authorization_user: account.username,
      password: account.password,
      ...(account.realm ? { realm: account.realm } : {}),
      display_name: name,
      register_expires: REGISTER_SECONDS,
      session_timers: true,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 15,
      user_agent: `Gorizont browser`,
    });
    this.agent = agent;
    // One that was replaced closes its connection some seconds later: that says nothing of the one in use.
    const tell = (state: Registration) => () => agent === this.agent && this.listener.registration(state);
    agent.on("connecting", tell("connecting"));
    agent.on("registered", tell("registered"));
    agent.on("disconnected", tell("connecting"));
    agent.on("registrationFailed", tell("failed"));
    agent.on("registrationFailed", () => agent === this.agent && this.renewIn(NEW_ACCOUNT_AFTER, name));
    agent.on("newRTCSession", (event: RTCSessionEvent) => this.arrived(event));
    agent.start();
    this.planRenewal(account, name);
  }

  /** Connects and registers anew: the network may be another, and a dead connection looks like one on which nobody speaks. */
  reconnect(): void {
    this.mustReconnect = this.lines.size > 0; // a call would end with the connection; it may be alive after all
    if (this.mustReconnect) return;
    const transport = (this.agent as { transport?: Reconnectable } | null)?.transport;
    transport?.disconnect();
    transport?.connect();
  }

  private mustReconnect = false; // when the last call has ended

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.renewal);
    const { agent } = this;
    this.agent = null;
    agent?.terminateSessions();
    agent?.stop();
    for (const line of this.lines.values()) {
      line.offers.end();
      release(line.local);
    }
    this.opening.clear();
    this.lines.clear();
    this.listener.registration("off");
  }

  // ---- calls

  /** Calls a number and returns the id of the call. Throws a MediaProblem. */
  async call(id: string, number: string, isVideo: boolean): Promise<void> {
    this.opening.add(id);
    try {
      const local = await acquire({ audio: true, video: isVideo });
      try {
        // Hung up while the browser asked for the microphone: then nobody is called.
        if (this.opening.has(id)) this.dial(id, number, isVideo, local);
      } finally {
        if (this.lines.get(id)?.local !== local) release(local);
      }
    } finally {
      this.opening.delete(id);
    }
  }

  private readonly opening = new Set<string>(); // calls that wait for the microphone

  private dial(id: string, number: string, isVideo: boolean, local: MediaStream): void {
    if (!this.agent) throw new MediaProblem("network");
    this.pending = id;
    let session: RTCSession;
    try {
      session = this.agent.call(this.address(number), {
        mediaStream: local,
        mediaConstraints: { audio: true, video: isVideo },
        pcConfig: { iceServers: [], bundlePolicy: "max-bundle" },
        sessionTimersExpires: 1800,
      });
    } finally {
      this.pending = null;
    }
    if (session.isEnded()) return;
    this.take(id, this.line(id, session), local);
    this.tellStreams(id);
    if (isVideo) this.listener.happened(id, { type: "camera", isOn: true });
  }

  private pending: string | null = null; // the id for a session that JsSIP announces while it is made

  async answer(id: string, isVideo: boolean): Promise<void> {
    const line = this.lines.get(id);
    if (!line) return;
    const local = await acquire({ audio: true, video: isVideo });
    if (line.session.isEnded() || line.local) {
      release(local);
      return;
    }
    this.take(id, line, local);
    line.session.answer({
      mediaStream: local,
      mediaConstraints: { audio: true, video: isVideo },
      pcConfig: { iceServers: [], bundlePolicy: "max-bundle" },
    });
    this.tellStreams(id);
    if (isVideo) this.listener.happened(id, { type: "camera", isOn: true });
  }

  /** Hangs up, cancels or declines, whichever the call is ripe for. */
  end(id: string): void {
    this.opening.delete(id);
    const session = this.lines.get(id)?.session;
    if (!session || session.isEnded()) return;
    session.terminate(session.isInProgress() && session.direction === "incoming" ? { status_code: 603 } : {});
  }

  /** Sends an incoming call elsewhere (RFC 3261 §21.3.3): the server takes that as a forward under its policy. */
  deflect(id: string, number: string): void {
    const session = this.lines.get(id)?.session;
    if (!session || session.isEnded()) return;
    session.terminate({
      status_code: 302,
      reason_phrase: "Moved Temporarily",
      extraHeaders: [`Contact: <${this.address(number)}>`],
    });
  }

  mute(id: string, isMuted: boolean): void {
    const session = this.lines.get(id)?.session;
    if (!session?.connection) return; // it has no microphone yet, and must not look as if that were off
    if (isMuted) session.mute({ audio: true });
    else session.unmute({ audio: true });
    this.listener.happened(id, { type: "muted", isMuted });
  }

  hold(id: string, isHeld: boolean): void {
    const line = this.lines.get(id);
    if (!line?.session.isEstablished()) return;
    line.offers.want("hold", () => {
      if (line.session.isOnHold().local === isHeld) return true;
      const isDone = isHeld ? line.session.hold() : line.session.unhold();
      if (isDone) this.listener.happened(id, { type: "held", by: "me", isHeld });
      return isDone;
    });
  }

  /** A key of the keypad: RFC 4733 in the audio, INFO where the browser or the far side can't. */
  tone(id: string, tone: string): void {
    const session = this.lines.get(id)?.session;
    const sender = session?.connection?.getSenders().find((one) => one.track?.kind === "audio");
    if (sender?.dtmf?.canInsertDTMF) {
      sender.dtmf.insertDTMF(sender.dtmf.toneBuffer + tone, TONE.duration, TONE.interToneGap);
    } else {
      session?.sendDTMF(tone, TONE); // by INFO, which is JsSIP's default
    }
  }

  /** Turns my picture on or off in the middle of a call, and tells the far side, which then shows it or takes it away. */
  async camera(id: string, isOn: boolean): Promise<void> {
    const line = this.lines.get(id);
    if (!line?.local) return;
    const picture = (line.picture ??= new Picture(line, () => void this.camera(id, false)));
    if (!(await picture.turn(isOn)) || this.lines.get(id) !== line) return;
    line.offers.want("picture", () => line.session.renegotiate());
    this.tellStreams(id);
    this.listener.happened(id, { type: "camera", isOn });
  }

  /** Hands the call to a number, or joins it with the call that asked about it (RFC 3515, 3891). */
  transfer(id: string, number: string, consultation: string | null = null): void {
    const session = this.lines.get(id)?.session;
    const replaces = consultation ? this.lines.get(consultation)?.session : undefined;
    if (!session) return;
    const asked = session.refer(this.address(number), {
      ...(replaces ? { replaces } : {}),
      eventHandlers: {
        progress: () => this.listener.happened(id, { type: "transfer-ringing" }),
        accepted: () => {
          this.end(id);
          if (consultation) this.end(consultation);
        },
        failed: () => this.listener.happened(id, { type: "transfer-failed" }),
        requestFailed: () => this.listener.happened(id, { type: "transfer-failed" }),
      },
    }) as unknown; // false where the call has ended
    if (asked) this.listener.happened(id, { type: "transferring", to: number });
  }

  private address(number: string): string {
    return `sip:${encodeURIComponent(number)}@${this.domain}`;
  }

  // ---- what JsSIP tells

  private arrived(event: RTCSessionEvent): void {
    const { session } = event;
    if (event.originator !== ("remote" as typeof event.originator)) {
      if (this.pending) this.listen(this.pending, session);
      return;
    }
    const { request } = event as IncomingRTCSessionEvent;
    const id = crypto.randomUUID();
    this.line(id, session);
    this.listen(id, session);
    this.listener.invited({
      id,
      direction: "in",
      number: session.remote_identity.uri.user ?? "",
      name: session.remote_identity.display_name ?? "",
      isVideo: offersVideo(String(request.body ?? "")),
      at: Date.now(),
      forwardedFor: forwardedFor(request, this.number),
    });
  }

  private line(id: string, session: RTCSession): Line {
    const line = this.lines.get(id) ?? { session, local: null, remote: null, picture: null, offers: new Offers(session) };
    this.lines.set(id, line);
    return line;
  }

  /** My stream is that of a call from now on; a microphone or camera that is unplugged is replaced or turned off. */
  private take(id: string, line: Line, local: MediaStream): void {
    line.local = local;
    new Sound(line, (failure) => this.listener.trouble(failure));
    if (local.getVideoTracks().length) line.picture = new Picture(line, () => void this.camera(id, false));
  }

  private listen(id: string, session: RTCSession): void {
    const tell = (event: CallEvent): void => this.listener.happened(id, event);
    let gathering: ReturnType<typeof setTimeout> | undefined;
    this.line(id, session);
    session.on("icecandidate", ({ ready }) => {
      clearTimeout(gathering);
      gathering = setTimeout(ready, GATHERING);
    });
    session.on("peerconnection", ({ peerconnection }) => this.watchTracks(id, peerconnection));
    session.on("progress", (event: { originator: unknown }) => {
      if (event.originator === "remote") tell({ type: "progress" });
    });
    const identify = (message: { getHeader?: (name: string) => string | undefined } | null | undefined): void => {
      const asserted = message?.getHeader?.("P-Asserted-Identity"); // RFC 3325: after a forward or transfer it is another
      const number = asserted ? numberIn(asserted) : "";
      const name = /^\s*"?([^"<]*?)"?\s*</.exec(asserted ?? "")?.[1] ?? "";
      if (number) tell({ type: "identified", number, name });
    };
    session.on("accepted", (event: { response?: { getHeader: (name: string) => string | undefined } | null }) => {
      identify(event.response);
      tell({ type: "accepted", at: Date.now() });
      if (session.connection) this.watchTracks(id, session.connection); // an outgoing one exists before anybody listens
    });
    session.on("hold", ({ originator }) => {
      if (String(originator) === "remote") tell({ type: "held", by: "them", isHeld: true });
    });
    session.on("unhold", ({ originator }) => {
      if (String(originator) === "remote") tell({ type: "held", by: "them", isHeld: false });
    });
    session.on("reinvite", ({ request }) => identify(request));
    session.on("update", ({ request }) => identify(request));
    session.on("ended", (event) => this.over(id, event, true));
    session.on("failed", (event) => this.over(id, event, false));
    if (session.connection) this.watchTracks(id, session.connection);
  }

  private watchTracks(id: string, connection: RTCPeerConnection): void {
    const line = this.lines.get(id);
    if (!line || line.remote) return;
    const remote = new MediaStream();
    line.remote = remote;
    const look = (): void => {
      const isOn = remote.getVideoTracks().some((track) => !track.muted && track.readyState === "live");
      this.listener.happened(id, { type: "remote-video", isOn });
    };
    const take = (track: MediaStreamTrack): void => {
      if (remote.getTrackById(track.id)) return;
      remote.addTrack(track);
      for (const name of ["mute", "unmute", "ended"]) track.addEventListener(name, look);
      look();
      this.tellStreams(id);
    };
    connection.addEventListener("track", ({ track }) => take(track));
    for (const receiver of connection.getReceivers()) take(receiver.track);
  }

  private over(id: string, event: EndEvent, wasAnswered: boolean): void {
    const line = this.lines.get(id);
    this.lines.delete(id);
    line?.offers.end();
    release(line?.local ?? null);
    this.listener.streams(id, null, null);
    if (this.mustReconnect) this.reconnect();
    const message = event.message as { status_code?: number; getHeader?: (name: string) => string | undefined } | null;
    const code = message?.status_code ?? null;
    const isMine = String(event.originator) === "local";
    const at = Date.now();
    if (wasAnswered && (event.cause === "Terminated" || isMine)) {
      this.listener.happened(id, { type: "ended", at });
    } else if (isAnsweredElsewhere(message?.getHeader?.("Reason"))) {
      this.listener.happened(id, { type: "failed", at, failure: "answered-elsewhere", code: null });
    } else if (isMine && !wasAnswered && event.cause !== "Connection Error" && !/media|webrtc|denied/i.test(event.cause)) {
      this.listener.happened(id, { type: "ended", at }); // cancelled or declined here
    } else {
      this.listener.happened(id, { type: "failed", at, failure: failureOf(code, event.cause), code });
    }
  }

  private tellStreams(id: string): void {
    const line = this.lines.get(id);
    if (line) this.listener.streams(id, line.local, line.remote);
  }

  // ---- credentials

  private planRenewal(account: SipAccount, name: string): void {
    this.renewIn(Math.max(30_000, (Date.parse(account.expires_at) - Date.now()) * RENEW_BEFORE), name);
  }

  private renewIn(milliseconds: number, name: string): void {
    if (this.isStopped) return;
    clearTimeout(this.renewal);
    this.renewal = setTimeout(() => void this.renewNow(name), Math.min(milliseconds, 2 ** 31 - 1));
  }

  private async renewNow(name: string): Promise<void> {
    const isBusy = (): boolean => this.lines.size + this.opening.size > 0;
    try {
      const account = isBusy() ? null : await this.renew();
      if (this.isStopped) return;
      // A call keeps its registration, also one that has come meanwhile; it is refreshed with the old credentials.
      if (!account || isBusy()) return this.renewIn(10_000, name);
      const { agent } = this;
      this.agent = null;
      agent?.stop();
      await this.start(account, name);
    } catch {
      this.renewIn(10_000, name);
    }
  }
}
