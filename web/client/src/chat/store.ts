/** The chat: the state, what fills it from the server, and what is sent. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import * as api from "@/api/chat";
import { type Conversation, type Message, message as messageSchema } from "@/api/chat_schemas";
import { ApiError } from "@/api/http";
import { router } from "@/app/router";
import { loadPending, storePending } from "@/chat/outbox";
import { type ChatEvent, type ChatState, directWith, emptyChat, ordered, type Pending, reduceChat } from "@/chat/state";
import { useConnection } from "@/live/connection";
import type { LiveEvent } from "@/live/events";
import { announce } from "@/ui/announcer";
import { notify } from "@/ui/notify";
import { assertNever } from "@/ui/assert_never";
import { usePeople } from "@/people/store";

const PAGE = 50;
const TYPING_EVERY = 3_000; // ms between two hints that one types

type ChatLiveEvent = Extract<
  LiveEvent,
  {
    type:
      | "message.sent" | "message.changed" | "conversation.added" | "conversation.changed" | "conversation.muted"
      | "conversation.removed" | "read.changed" | "typing";
  }
>;

export const useChat = defineStore("chat", () => {
  const state = shallowRef<ChatState>(emptyChat(""));
  const isLoaded = ref(false);
  const error = shallowRef<unknown>(null);
  const openId = ref<string | null>(null); // the conversation that is on the screen
  const conversations = computed(() => ordered(state.value));
  const unread = computed(() => conversations.value.filter((one) => one.unread > 0 && !one.muted).length);
  const lastTyping = new Map<string, number>();

  function apply(event: ChatEvent): void {
    state.value = reduceChat(state.value, event);
    if (event.type === "queued" || event.type === "discarded" || event.type === "message.sent") {
      storePending(state.value.pending);
    }
  }

  function begin(me: string, seq: number): void {
    state.value = { ...emptyChat(me), seq, pending: loadPending() };
    isLoaded.value = false;
  }

  async function load(): Promise<void> {
    try {
      const conversations: Conversation[] = [];
      let next: string | null = null;
      do {
        const page: { items: Conversation[]; next: string | null } = await api.getConversations(next);
        conversations.push(...page.items);
        next = page.next;
      } while (next);
      apply({ type: "conversations.loaded", conversations, seq: state.value.seq });
      isLoaded.value = true;
      error.value = null;
    } catch (reason) {
      error.value = reason;
    }
  }

  /** Retention has removed something: nothing that is here can be trusted. */
  async function reset(): Promise<void> {
    state.value = { ...state.value, timelines: {} };
    await load();
    if (openId.value) await loadOlder(openId.value);
  }

  /** After every connection: what has changed since, then what could not be sent. */
  async function catchUp(): Promise<void> {
    if (!isLoaded.value) await load();
    let before: number;
    do {
      before = state.value.seq;
      const sync = await api.getSync(before);
      apply({ type: "synced", sync });
      if (sync.reset) await reset();
    } while (state.value.seq > before);
    for (const one of state.value.pending) if (one.status !== "failed") void deliver(one);
  }

  /** The newest page of a timeline, or the one before what is there. */
  async function loadOlder(id: string): Promise<void> {
    const oldest = state.value.timelines[id]?.messages[0];
    const { items } = await api.getMessages(id, oldest ? { before: oldest.seq, limit: PAGE } : { limit: PAGE });
    apply({ type: "page.loaded", conversation: id, messages: items, isComplete: items.length < PAGE });
  }

  /** Reads back until a message is there, which a search has found. */
  async function loadUntil(id: string, seq: number): Promise<void> {
    for (;;) {
      const timeline = state.value.timelines[id];
      if (timeline && (timeline.isComplete || (timeline.messages[0]?.seq ?? 0) <= seq)) return;
      await loadOlder(id);
    }
  }

  function receive(event: ChatLiveEvent): void {
    switch (event.type) {
      case "message.sent":
        apply({ type: "message.sent", message: event.data.message, seq: event.seq });
        if (!state.value.conversations[event.data.message.conversation]) void fetchOne(event.data.message.conversation);
        tell(event.data.message);
        return;
      case "message.changed":
        apply({ type: "message.changed", message: event.data.message, seq: event.seq });
        return;
      case "conversation.added":
        apply({ type: "conversation.added", conversation: event.data.conversation, seq: event.seq });
        return;
      case "conversation.changed":
        apply({ type: "conversation.changed", conversation: event.data.conversation, seq: event.seq });
        return;
      case "conversation.muted":
        apply({ type: "conversation.muted", ...event.data, seq: event.seq });
        return;
      case "conversation.removed":
        apply({ type: "conversation.removed", conversation: event.data.conversation, seq: event.seq });
        return;
      case "read.changed":
        apply({ type: "read.changed", read: event.data, seq: event.seq });
        return;
      case "typing":
        if (event.data.number !== state.value.me) apply({ type: "typing", ...event.data, at: Date.now() });
        return;
      default:
        assertNever(event);
    }
  }

  async function fetchOne(id: string): Promise<void> {
    try {
      apply({ type: "conversation.added", conversation: await api.getConversation(id) });
    } catch {
      // One that may not be seen or is gone: nothing to show.
    }
  }

  function tell(message: Message): void {
    if (message.author === state.value.me || message.kind !== "text") return;
    const name = usePeople().nameOf(message.author);
    announce("announce.message", { name, text: message.text });
    if (message.silent || state.value.conversations[message.conversation]?.muted) return;
    const open = (): void => void router.push(`/chats/${message.conversation}`);
    notify(name, { body: message.text, tag: `gorizont-chat-${message.conversation}` }, open);
  }

  // ---- sending

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
    void deliver(pending);
  }

  async function deliver(pending: Pending): Promise<void> {
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
    } catch (reason) {
      const isPassing = reason instanceof ApiError && reason.isPassing;
      const words = reason instanceof Error ? reason.message : String(reason);
      apply({ type: "pending.changed", clientId, status: isPassing ? "waiting" : "failed", error: words });
      if (isPassing) setTimeout(() => retryWaiting(clientId), 5_000);
    }
  }

  function retryWaiting(clientId: string): void {
    const pending = state.value.pending.find((one) => one.clientId === clientId);
    if (pending?.status === "waiting" && useConnection().isOnline) void deliver(pending);
  }

  function retry(clientId: string): void {
    const pending = state.value.pending.find((one) => one.clientId === clientId);
    if (pending) void deliver(pending);
  }

  async function edit(message: Message, text: string): Promise<void> {
    apply({ type: "message.changed", message: { ...message, text, edited_at: new Date().toISOString() } });
    try {
      apply({ type: "message.changed", message: await api.editMessage(message.id, text) });
    } catch (reason) {
      apply({ type: "message.changed", message });
      throw reason;
    }
  }

  async function removeMessage(message: Message): Promise<void> {
    apply({ type: "message.changed", message: { ...message, text: "", attachments: [], deleted_at: new Date().toISOString() } });
    try {
      apply({ type: "message.changed", message: await api.deleteMessage(message.id) });
    } catch (reason) {
      apply({ type: "message.changed", message });
      throw reason;
    }
  }

  // ---- reading and typing

  async function markRead(id: string): Promise<void> {
    const conversation = state.value.conversations[id];
    const seq = conversation?.last?.seq ?? 0;
    if (!conversation || (conversation.unread === 0 && conversation.read_seq >= seq)) return;
    apply({ type: "read.changed", read: { conversation: id, number: state.value.me, read_seq: seq } });
    await api.markRead(id, seq).catch(() => undefined); // told again with the next message that is read
  }

  function typing(id: string): void {
    const now = Date.now();
    if (now - (lastTyping.get(id) ?? 0) < TYPING_EVERY) return;
    lastTyping.set(id, now);
    useConnection().emit("typing", { conversation: id });
  }

  // ---- conversations

  /** The conversation with one person, made if there is none. */
  async function openDirect(number: string): Promise<Conversation> {
    const known = number === state.value.me ? undefined : directWith(state.value, number);
    if (known) return known;
    const conversation = await api.startDirect(number);
    apply({ type: "conversation.added", conversation });
    return conversation;
  }

  async function openGroup(title: string, members: string[]): Promise<Conversation> {
    const conversation = await api.startGroup(title, members);
    apply({ type: "conversation.added", conversation });
    return conversation;
  }

  async function change(id: string, what: { title?: string; muted?: boolean }): Promise<void> {
    apply({ type: "conversation.added", conversation: await api.changeConversation(id, what) });
  }

  async function leave(id: string): Promise<void> {
    await api.removeMember(id, state.value.me);
    apply({ type: "conversation.removed", conversation: id });
  }

  return {
    state, isLoaded, error, openId, conversations, unread,
    apply, begin, load, reset, catchUp, loadOlder, loadUntil, receive,
    send, retry, edit, removeMessage, markRead, typing, openDirect, openGroup, change, leave,
  };
});
