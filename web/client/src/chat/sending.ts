/**
 * Sends what was written: in each conversation one message after the other, so that they arrive in the order in which
 * they were written, however often the network fails in between.
 */
import type { ShallowRef } from "vue";

import * as api from "@/api/chat";
import { message as messageSchema } from "@/api/chat_schemas";
import { ApiError } from "@/api/http";
import type { ChatEvent, ChatState, Pending } from "@/chat/state";
import { useConnection } from "@/live/connection";

const AGAIN = 5_000; // ms until what could not be sent is tried again

export interface Sending {
  send: (id: string, text: string, attachments?: Pending["attachments"], replyTo?: string | null) => void;
  retry: (clientId: string) => void;
  /** Everything that waits, of all conversations. */
  deliverAll: () => void;
}

export function makeSending(state: ShallowRef<ChatState>, apply: (event: ChatEvent) => void): Sending {
  const underway = new Set<string>();
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  function send(id: string, text: string, attachments: Pending["attachments"] = [], replyTo: string | null = null): void {
    const pending: Pending = {
      clientId: crypto.randomUUID(),
      conversation: id,
      text,
      attachments,
      replyTo,
      createdAt: new Date().toISOString(),
      status: "sending",
      error: null,
    };
    apply({ type: "queued", pending });
    void deliver(id);
  }

  function retry(clientId: string): void {
    const pending = state.value.pending.find((one) => one.clientId === clientId);
    if (!pending) return;
    apply({ type: "pending.changed", clientId, status: "sending" });
    void deliver(pending.conversation);
  }

  function deliverAll(): void {
    for (const id of new Set(state.value.pending.map((one) => one.conversation))) void deliver(id);
  }

  async function deliver(id: string): Promise<void> {
    if (underway.has(id)) return;
    clearTimeout(timers.get(id));
    timers.delete(id);
    underway.add(id);
    try {
      for (;;) {
        const next = state.value.pending.find((one) => one.conversation === id && one.status !== "failed");
        if (!next) return;
        const wait = await deliverOne(next);
        if (!wait) continue;
        timers.set(id, setTimeout(() => void deliver(id), wait));
        return;
      }
    } finally {
      underway.delete(id);
    }
  }

  /** Milliseconds after which it is to be tried again; 0: it is done, in one way or the other. */
  async function deliverOne(pending: Pending): Promise<number> {
    const { clientId } = pending;
    apply({ type: "pending.changed", clientId, status: "sending" });
    try {
      const what = {
        client_id: clientId, // so that nothing is there twice, however often it is said
        text: pending.text,
        attachments: pending.attachments.map((one) => one.id),
        reply_to: pending.replyTo === null ? null : Number(pending.replyTo),
      };
      // By the socket it costs the server a third; what is refused there, the API says why.
      const conversation = Number(pending.conversation);
      const sent = await useConnection().ask("send", { conversation, ...what }, messageSchema);
      apply({ type: "message.sent", message: sent ?? (await api.sendMessage(pending.conversation, what)) });
      apply({ type: "discarded", clientId });
      return 0;
    } catch (reason) {
      const error = reason instanceof ApiError ? reason : null;
      // Who is signed out signs in again, and then it is sent.
      const isPassing = error !== null && (error.isPassing || error.status === 401);
      const words = reason instanceof Error ? reason.message : String(reason);
      apply({ type: "pending.changed", clientId, status: isPassing ? "waiting" : "failed", error: words });
      return isPassing ? Math.max(AGAIN, (error.retryAfter ?? 0) * 1000) : 0;
    }
  }

  return { send, retry, deliverAll };
}
