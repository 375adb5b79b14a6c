/** The chat: the state, what fills it from the server, and what is sent. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";

import * as api from "@/api/chat";
import type { Conversation, Message } from "@/api/chat_schemas";
import { ApiError } from "@/api/http";
import { router } from "@/app/router";
import { loadPending, storePending } from "@/chat/outbox";
import { makeSending } from "@/chat/sending";
import { type ChatEvent, type ChatState, directWith, emptyChat, ordered, reduceChat } from "@/chat/state";
import { useConnection } from "@/live/connection";
import type { LiveEvent } from "@/live/events";
import { announce } from "@/ui/announcer";
import { notify } from "@/ui/notify";
import { assertNever } from "@/ui/assert_never";
import { usePeople } from "@/people/store";

const PAGE = 50;
const TYPING_EVERY = 3_000; // ms between two hints that one types
const SOONEST = 1_000; // ms until catching up is tried again; twice as long each time
const LATEST = 30_000;

type ChatLiveEvent = Extract<
  LiveEvent,
  {
    type:
      | "message.sent" | "message.changed" | "conversation.added" | "conversation.changed" | "conversation.muted"
      | "conversation.removed" | "read.changed" | "typing";
  }
>;

/** What will fail again is no reason to try again: the conversation is none of mine any more. */
function unlessPassing(reason: unknown): void {
  if (!(reason instanceof ApiError) || reason.isPassing) throw reason;
}

export const useChat = defineStore("chat", () => {
  const state = shallowRef<ChatState>(emptyChat(""));
  const isLoaded = ref(false);
  const error = shallowRef<unknown>(null);
  const openId = ref<string | null>(null); // the conversation that is on the screen
  const conversations = computed(() => ordered(state.value));
  const unread = computed(() => conversations.value.filter((one) => one.unread > 0 && !one.muted).length);
  const lastTyping = new Map<string, number>();

  // Until all that was missed is there, an event changes the state but not how far it reaches: else what lies between
  // the two would never be asked for.
  let isBehind = true;
  let mustLoad = true; // the list of conversations is not there, or not to be trusted
  let turn = 0; // of catching up: a later one makes an earlier one stop
  let failures = 0;
  let again: ReturnType<typeof setTimeout> | undefined;
  const pages = new Map<string, Promise<void>>(); // of timelines, on their way
  const arrived = new Map<string, Message[]>(); // while the first page of a timeline is on its way
  const unsaidReads = new Map<string, number>(); // conversation → what I have read and the server may not know

  function apply(event: ChatEvent): void {
    const before = state.value;
    state.value = reduceChat(before, event);
    if (state.value.pending !== before.pending) storePending(before.pending, state.value.pending);
    const messages = event.type === "synced" ? event.sync.messages : "message" in event ? [event.message] : [];
    for (const message of messages) arrived.get(message.conversation)?.push(message);
  }

  const sending = makeSending(state, apply);
  // A page that is open for weeks keeps of what is not on the screen what one needs to go on reading.
  watch(openId, (_, closed) => closed && apply({ type: "closed", conversation: closed, keep: PAGE }), { flush: "post" });

  function begin(me: string, seq: number): void {
    end();
    state.value = { ...emptyChat(me), seq, pending: loadPending() };
  }

  /** Nobody is signed in any more. */
  function end(): void {
    turn++;
    clearTimeout(again);
    failures = 0;
    isBehind = mustLoad = true;
    isLoaded.value = false;
    error.value = null;
    for (const map of [pages, arrived, unsaidReads, lastTyping]) map.clear();
    state.value = emptyChat("");
  }

  async function fetchAll(): Promise<Conversation[]> {
    const conversations: Conversation[] = [];
    let next: string | null = null;
    do {
      const page: { items: Conversation[]; next: string | null } = await api.getConversations(next);
      conversations.push(...page.items);
      next = page.next;
    } while (next);
    return conversations;
  }

  /** Retention has removed something: nothing that is here can be trusted. */
  async function reset(): Promise<void> {
    state.value = { ...state.value, timelines: {} };
    pages.clear();
    mustLoad = true;
    await catchUp();
  }

  /** What has changed since, then what could not be sent. Tried again until it is done, or begun anew. */
  async function catchUp(): Promise<void> {
    const mine = ++turn;
    clearTimeout(again);
    isBehind = true;
    try {
      await sayReads();
      while (mine === turn && !(await isStep(mine)));
      if (mine !== turn) return;
      isBehind = false;
      failures = 0;
      const open = openId.value;
      if (open && !state.value.timelines[open] && state.value.conversations[open]) await loadOlder(open).catch(unlessPassing);
    } catch (reason) {
      if (mine !== turn) return;
      error.value = reason;
      again = setTimeout(() => void catchUp(), Math.min(LATEST, SOONEST * 2 ** failures++) * (1 + Math.random() / 4));
      return;
    }
    if (mine === turn) sending.deliverAll();
  }

  /** One step of catching up; whether it was the last. */
  async function isStep(mine: number): Promise<boolean> {
    if (mustLoad) {
      const conversations = await fetchAll();
      if (mine !== turn) return true;
      apply({ type: "conversations.loaded", conversations, seq: state.value.seq });
      mustLoad = false;
      isLoaded.value = true;
      error.value = null;
    }
    const before = state.value.seq;
    const sync = await api.getSync(before);
    const conversations = sync.reset ? await fetchAll() : null;
    if (mine !== turn) return true;
    apply({ type: "synced", sync });
    if (conversations) apply({ type: "conversations.loaded", conversations, seq: sync.seq });
    return state.value.seq === before;
  }

  /** The newest page of a timeline, or the one before what is there. */
  function loadOlder(id: string): Promise<void> {
    const known = pages.get(id);
    if (known) return known;
    const page = fetchPage(id).finally(() => pages.get(id) === page && pages.delete(id));
    pages.set(id, page);
    return page;
  }

  async function fetchPage(id: string): Promise<void> {
    const { me } = state.value;
    const oldest = state.value.timelines[id]?.messages[0];
    const meanwhile: Message[] = [];
    if (!oldest) arrived.set(id, meanwhile);
    try {
      const { items } = await api.getMessages(id, oldest ? { before: oldest.seq, limit: PAGE } : { limit: PAGE });
      // Signed out, or forgotten meanwhile: what stands before a message that isn't here would leave a gap.
      if (me !== state.value.me || oldest?.id !== state.value.timelines[id]?.messages[0]?.id) return;
      const isComplete = items.length < PAGE;
      const newer = meanwhile.filter((one) => isComplete || one.seq >= (items[0]?.seq ?? 0));
      apply({ type: "page.loaded", conversation: id, messages: [...items, ...newer], isComplete });
    } finally {
      if (arrived.get(id) === meanwhile) arrived.delete(id);
    }
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
    const seq = isBehind ? null : event.seq;
    switch (event.type) {
      case "message.sent":
        apply({ type: "message.sent", message: event.data.message, seq });
        if (!state.value.conversations[event.data.message.conversation]) void fetchOne(event.data.message.conversation);
        tell(event.data.message);
        return;
      case "message.changed":
        apply({ type: "message.changed", message: event.data.message, seq });
        return;
      case "conversation.added":
        apply({ type: "conversation.added", conversation: event.data.conversation, seq });
        return;
      case "conversation.changed":
        apply({ type: "conversation.changed", conversation: event.data.conversation, seq });
        return;
      case "conversation.muted":
        apply({ type: "conversation.muted", ...event.data, seq });
        return;
      case "conversation.removed":
        apply({ type: "conversation.removed", conversation: event.data.conversation, seq });
        return;
      case "read.changed":
        apply({ type: "read.changed", read: event.data, seq });
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

  // ---- changing what was sent

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
    unsaidReads.set(id, seq);
    await sayRead(id, seq).catch(() => undefined); // told again when the connection is back
  }

  async function sayRead(id: string, seq: number): Promise<void> {
    await api.markRead(id, seq).catch(unlessPassing);
    if (unsaidReads.get(id) === seq) unsaidReads.delete(id);
  }

  async function sayReads(): Promise<void> {
    for (const [id, seq] of [...unsaidReads]) await sayRead(id, seq);
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
    apply, begin, end, reset, catchUp, loadOlder, loadUntil, receive,
    send: sending.send, retry: sending.retry, edit, removeMessage, markRead, typing, openDirect, openGroup, change, leave,
  };
});
