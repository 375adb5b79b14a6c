/** JsSIP as the phone sees it: agents that register when the test says so, and calls that it lets happen. */
import { EventEmitter } from "node:events";

import { FakeStream, FakeTrack } from "./fakes";

export const agents: UA[] = [];

class Sender {
  constructor(public track: FakeTrack | null) {}
  replaceTrack = async (track: FakeTrack | null): Promise<void> => void (this.track = track);
}

class Connection extends EventTarget {
  senders: Sender[];
  constructor(stream: FakeStream) {
    super();
    this.senders = stream.getTracks().map((track) => new Sender(track));
  }
  getSenders = (): Sender[] => this.senders;
  getReceivers = (): never[] => [];
  getTransceivers = (): never[] => [];
  addTrack = (track: FakeTrack): void => void this.senders.push(new Sender(track));
}

export class Session extends EventEmitter {
  connection: Connection | null = null;
  direction: "incoming" | "outgoing" = "outgoing";
  isOver = false;
  isOffering = false; // another offer is under way
  terminated: object[] = [];
  private isHeld = false;
  remote_identity = { uri: { user: "102" }, display_name: "Boris" };

  isEnded = (): boolean => this.isOver;
  isEstablished = (): boolean => !this.isOver;
  isInProgress = (): boolean => !this.isOver;
  isOnHold = () => ({ local: this.isHeld, remote: false });
  mute(): void {}
  unmute(): void {}
  hold = (): boolean => this.offer(() => (this.isHeld = true));
  unhold = (): boolean => this.offer(() => (this.isHeld = false));
  renegotiate = (): boolean => this.offer(() => undefined);
  answer({ mediaStream }: { mediaStream: FakeStream }): void {
    this.connection = new Connection(mediaStream);
  }
  terminate(options: object): void {
    this.terminated.push(options);
    this.over("local", "failed", "Canceled");
  }
  over(originator: "local" | "remote", event: "ended" | "failed" = "ended", cause = "Terminated"): void {
    this.isOver = true;
    this.emit(event, { originator, cause, message: null });
  }
  private offer(carryOut: () => void): boolean {
    if (this.isOffering) return false;
    carryOut();
    return true;
  }
}

export class UA extends EventEmitter {
  sessions: Session[] = [];
  isStopped = false;
  transport = { disconnect: (): void => void this.emit("disconnected"), connect: (): void => void this.emit("connecting") };

  constructor(readonly configuration: { password: string }) {
    super();
    agents.push(this);
  }
  start(): void {}
  stop(): void {
    this.isStopped = true;
  }
  terminateSessions(): void {
    for (const one of this.sessions) if (!one.isOver) one.terminate({});
  }
  call(_: string, { mediaStream }: { mediaStream: FakeStream }): Session {
    const session = new Session();
    session.connection = new Connection(mediaStream);
    this.sessions.push(session);
    this.emit("newRTCSession", { originator: "local", session });
    return session;
  }
  /** Somebody calls. */
  ring(from = "102"): Session {
    const session = new Session();
    session.direction = "incoming";
    session.remote_identity = { uri: { user: from }, display_name: "" };
    this.sessions.push(session);
    const request = { getHeader: () => undefined, getHeaders: () => [], body: "" };
    this.emit("newRTCSession", { originator: "remote", session, request });
    return session;
  }
}

export class WebSocketInterface {}
