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

import { z } from "@/api/zod";
import { useCalls } from "@/calls/store";
import { useChat } from "@/chat/store";
import { dispatch } from "@/live/dispatch";
import { liveEvent } from "@/live/events";
import { usePeople } from "@/people/store";

const AWAY_AFTER = 5 * 60_000; // ms without a key or a move
const LOOK = 30_000; // ms between two looks at it
const ANSWER = 3_000; // ms; then the same is asked by the API
const GRACE = 1_500; // ms without a connection before the page says so; most are back sooner

export const useConnection = defineStore("connection", () => {
  const isOnline = ref(true);
  let socket: Socket | null = null;
  let grace: ReturnType<typeof setTimeout> | undefined;
  let clock: ReturnType<typeof setInterval> | undefined;
  let lastActive = Date.now();
  let told: "active" | "away" | null = null;

  function open(): void {
    if (socket) return;
    socket = io({ path: "/socket.io", transports: ["websocket"], reconnectionDelayMax: 10_000 });
    socket.on("connect", () => {
      clearTimeout(grace);
      grace = undefined;
      isOnline.value = true;
      told = null;
      tellActivity();
      void catchUp();
    });
    socket.on("event", receive);
    socket.on("disconnect", lost);
    socket.on("connect_error", lost);
    clock = setInterval(tellActivity, LOOK);
    for (const name of ["pointermove", "keydown", "touchstart"]) addEventListener(name, active, { passive: true });
    addEventListener("online", retry);
    document.addEventListener("visibilitychange", retry);
  }

  function close(): void {
    socket?.close();
    socket = null;
    clearInterval(clock);
    clearTimeout(grace);
    for (const name of ["pointermove", "keydown", "touchstart"]) removeEventListener(name, active);
    removeEventListener("online", retry);
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
  }

  async function catchUp(): Promise<void> {
    await Promise.allSettled([useChat().catchUp(), usePeople().load(), useCalls().refresh()]);
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
