/**
 * The socket: connects, reconnects, and makes up for what was missed.
 *
 * An event is a hint. After every connection the chat asks for the changes since the last one that it knows
 * and the rest is fetched again, so a lost event is late, never lost.
 */
import { defineStore } from "pinia";
import { io, type Socket } from "socket.io-client";
import { ref } from "vue";
import type { ZodType } from "zod";

import { getMe } from "@/api/session";
import { z } from "@/api/zod";
import { isTakenFrom } from "@/app/owner";
import { useSession } from "@/app/session";
import { useCalls } from "@/calls/store";
import { useChat } from "@/chat/store";
import { dispatch } from "@/live/dispatch";
import { liveEvent } from "@/live/events";
import { usePeople } from "@/people/store";
import { usePhone } from "@/phone/store";

const AWAY_AFTER = 5 * 60_000; // ms without a key or a move
const LOOK = 30_000; // ms between two looks at it
const ANSWER = 3_000; // ms; then the same is asked by the API
const FIRST = 1_000; // ms that the rest of the page waits for the first connection
const REFUSED = 10_000; // ms until a server that has refused this page is asked again
const GRACE = 1_500; // ms without a connection before the page says so; most are back sooner

export const useConnection = defineStore("connection", () => {
  const isOnline = ref(true);
  let socket: Socket | null = null;
  let grace: ReturnType<typeof setTimeout> | undefined;
  let first: ReturnType<typeof setTimeout> | undefined;
  let refused: ReturnType<typeof setTimeout> | undefined;
  let clock: ReturnType<typeof setInterval> | undefined;
  let wasDead = false; // the last connection, without a word
  let lastActive = Date.now();
  let told: "active" | "away" | null = null;

  function open(): void {
    if (socket) return;
    socket = io({ path: "/socket.io", transports: ["websocket"], reconnectionDelayMax: 10_000 });
    isOnline.value = true;
    first = setTimeout(() => void fetchRest(), FIRST);
    socket.on("connect", () => {
      clearTimeout(grace);
      clearTimeout(refused);
      grace = refused = undefined;
      isOnline.value = true;
      told = null;
      if (isTakenFrom(useSession().number)) return useSession().taken();
      tellActivity();
      void useChat().catchUp();
      void fetchRest();
      if (wasDead) usePhone().reconnect();
      wasDead = false;
    });
    socket.on("event", receive);
    socket.on("disconnect", (reason) => {
      // Nothing came over a line that seemed to be open: that of the phone is as dead, and says so much later.
      wasDead ||= reason === "ping timeout";
      lost();
    });
    socket.on("connect_error", lost);
    clock = setInterval(tellActivity, LOOK);
    for (const name of ["pointermove", "keydown", "touchstart"]) addEventListener(name, active, { passive: true });
    addEventListener("online", backOnline);
    document.addEventListener("visibilitychange", retry);
  }

  function close(): void {
    socket?.close();
    socket = null;
    clearInterval(clock);
    for (const timer of [grace, first, refused]) clearTimeout(timer);
    grace = refused = undefined;
    wasDead = false;
    for (const name of ["pointermove", "keydown", "touchstart"]) removeEventListener(name, active);
    removeEventListener("online", backOnline);
    document.removeEventListener("visibilitychange", retry);
  }

  function emit(name: string, data: unknown): void {
    if (socket?.connected) socket.emit(name, data);
  }

  /** What the server answers to a request by the socket; null when it can't be asked so, says no, or says nothing. */
  async function ask<T>(name: string, data: unknown, schema: ZodType<T>): Promise<T | null> {
    if (!socket?.connected || !navigator.onLine) return null;
    const answer: unknown = await socket.timeout(ANSWER).emitWithAck(name, data).catch(() => null);
    return z.object({ ok: schema }).safeParse(answer).data?.ok ?? null;
  }

  /** Connects now rather than after the back-off. */
  function retry(): void {
    if (socket && !socket.connected && document.visibilityState === "visible") socket.connect();
  }

  function receive(raw: unknown): void {
    const parsed = liveEvent.safeParse(raw);
    if (parsed.success) dispatch(parsed.data);
    else console.error("an event has another shape", raw, parsed.error.issues);
  }

  function lost(): void {
    grace ??= setTimeout(() => (isOnline.value = false), GRACE);
    if (socket && !socket.active) refused ??= setTimeout(() => void askAgain(), REFUSED * Math.random());
  }

  /** The server has ended it or refuses it, and then it is not tried again by itself: the API says whether I am signed out. */
  async function askAgain(): Promise<void> {
    const asked = socket;
    await getMe().catch(() => undefined);
    if (!asked || socket !== asked) return; // signed out
    refused = undefined;
    if (asked.connected || asked.active) return;
    refused = setTimeout(() => void askAgain(), REFUSED);
    asked.connect();
  }

  /** People and calls: after every connection, so that nothing falls between the answer and the first event. */
  async function fetchRest(): Promise<void> {
    clearTimeout(first);
    await Promise.all([usePeople().load(), useCalls().refresh()]);
  }

  /** Another network: what was connected over the former is gone, whether it knows it or not. */
  function backOnline(): void {
    retry();
    usePhone().reconnect();
  }

  function active(): void {
    lastActive = Date.now();
    if (told === "away") tellActivity();
  }

  function tellActivity(): void {
    const state = Date.now() - lastActive < AWAY_AFTER ? "active" : "away";
    if (state !== told && socket?.connected) {
      told = state;
      emit("activity", { state });
    }
  }

  return { isOnline, open, close, emit, ask, retry };
});
