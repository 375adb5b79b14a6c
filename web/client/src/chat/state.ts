/**
 * The chat of a browser as a value: conversations, the part of their timelines that was read from the server,
 * and what was written here and is not confirmed. `(state, event) => state`, nothing else happens here.
 *
 * A timeline is a run of messages without gaps, ordered by `seq`, that ends with the newest.
 */
import type { Conversation, Facts, Message, Read, Sync } from "@/api/chat_schemas";
import { assertNever } from "@/ui/assert_never";

export interface Timeline {
  messages: readonly Message[];
  isComplete: boolean; // whether it reaches back to the first message
}

export interface Pending {
  clientId: string;
  conversation: string;
  text: string;
  attachments: readonly { id: string; name: string; type: string; size: number }[];
  replyTo: string | null;
  createdAt: string;
  status: "sending" | "waiting" | "failed"; // waiting: for the network
  error: string | null;
}

export interface ChatState {
  me: string;
  seq: number; // of the last change that is known
  conversations: Readonly<Record<string, Conversation>>;
  timelines: Readonly<Record<string, Timeline>>;
  pending: readonly Pending[];
  typing: Readonly<Record<string, Readonly<Record<string, number>>>>; // conversation → number → when (ms)
}

export type ChatEvent =
  | { type: "conversations.loaded"; conversations: readonly Conversation[]; seq: number }
  | { type: "page.loaded"; conversation: string; messages: readonly Message[]; isComplete: boolean }
  | { type: "synced"; sync: Sync }
  | { type: "message.sent"; message: Message; seq?: number | null | undefined }
  | { type: "message.changed"; message: Message; seq?: number | null | undefined }
  | { type: "conversation.added"; conversation: Conversation; seq?: number | null | undefined }
  | { type: "conversation.changed"; conversation: Facts; seq?: number | null | undefined }
  | { type: "conversation.muted"; conversation: string; muted: boolean; seq?: number | null | undefined }
  | { type: "conversation.removed"; conversation: string; seq?: number | null | undefined }
  | { type: "read.changed"; read: Read; seq?: number | null | undefined }
  | { type: "typing"; conversation: string; number: string; at: number }
  | { type: "queued"; pending: Pending }
  | { type: "pending.changed"; clientId: string; status: Pending["status"]; error?: string | null }
  | { type: "discarded"; clientId: string }
  | { type: "closed"; conversation: string; keep: number };

export const emptyChat = (me: string): ChatState => ({
  me,
  seq: 0,
  conversations: {},
  timelines: {},
  pending: [],
  typing: {},
});

export function reduceChat(state: ChatState, event: ChatEvent): ChatState {
  switch (event.type) {
    case "conversations.loaded":
      return {
        ...state,
        seq: Math.max(state.seq, event.seq),
        conversations: Object.fromEntries(event.conversations.map((one) => [one.id, one])),
      };
    case "page.loaded":
      return withTimeline(state, event.conversation, (timeline) => ({
        messages: merged(timeline?.messages ?? [], event.messages),
        isComplete: event.isComplete || (timeline?.isComplete ?? false),
      }));
    case "synced":
      return synced(state, event.sync);
    case "message.sent":
      return at(withMessage(state, event.message), event.seq);
    case "message.changed":
      return at(withChangedMessage(state, event.message), event.seq);
    case "conversation.added":
      return at(withConversation(state, event.conversation), event.seq);
    case "conversation.changed":
      return at(changedConversation(state, event.conversation.id, event.conversation), event.seq);
    case "conversation.muted":
      return at(changedConversation(state, event.conversation, { muted: event.muted }), event.seq);
    case "conversation.removed":
      return at(withoutConversation(state, event.conversation), event.seq);
    case "read.changed":
      return at(withRead(state, event.read), event.seq);
    case "typing": {
      const inIt = { ...state.typing[event.conversation], [event.number]: event.at };
      return { ...state, typing: { ...state.typing, [event.conversation]: inIt } };
    }
    case "queued":
      return { ...state, pending: [...state.pending, event.pending] };
    case "pending.changed":
      return {
        ...state,
        pending: state.pending.map((one) =>
          one.clientId === event.clientId ? { ...one, status: event.status, error: event.error ?? null } : one,
        ),
      };
    case "discarded":
      return withoutPending(state, (one) => one.clientId === event.clientId);
    case "closed": {
      const timeline = state.timelines[event.conversation];
      if (!timeline || timeline.messages.length <= event.keep) return state;
      return withTimeline(state, event.conversation, () => ({ messages: timeline.messages.slice(-event.keep), isComplete: false }));
    }
    default:
      return assertNever(event);
  }
}

/** Conversations as the list shows them: the one that was last spoken in first. */
export function ordered(state: ChatState): Conversation[] {
  const time = (one: Conversation): string => one.last?.created_at ?? one.created_at;
  return Object.values(state.conversations).sort((a, b) => (time(a) < time(b) ? 1 : time(a) > time(b) ? -1 : 0));
}

export function directWith(state: ChatState, number: string): Conversation | undefined {
  return Object.values(state.conversations).find((one) => one.kind === "direct" && one.members.includes(number));
}

/** The other person of a direct conversation; oneself in a note to oneself. */
export function otherIn(conversation: Conversation, me: string): string {
  return conversation.members.find((number) => number !== me) ?? me;
}

function at(state: ChatState, seq: number | null | undefined): ChatState {
  return seq && seq > state.seq ? { ...state, seq } : state;
}

function withTimeline(state: ChatState, id: string, change: (old: Timeline | undefined) => Timeline): ChatState {
  return { ...state, timelines: { ...state.timelines, [id]: change(state.timelines[id]) } };
}

/** The same value where there is none to leave out: what is stored is written again only when it has changed. */
function withoutPending(state: ChatState, isIt: (one: Pending) => boolean): ChatState {
  return state.pending.some(isIt) ? { ...state, pending: state.pending.filter((one) => !isIt(one)) } : state;
}

function withMessage(state: ChatState, message: Message): ChatState {
  let next = withoutPending(state, (one) => one.clientId === message.client_id);
  const timeline = state.timelines[message.conversation];
  const isKnown = timeline?.messages.some((one) => one.id === message.id) ?? false;
  // An old one that was changed while nobody listened stands before what was read: with it the run would have a gap.
  const isOfRun = timeline && (timeline.isComplete || message.seq >= (timeline.messages[0]?.seq ?? 0));
  if (isOfRun) {
    next = withTimeline(next, message.conversation, (old) => ({
      messages: merged(old?.messages ?? [], [message]),
      isComplete: old?.isComplete ?? false,
    }));
  }
  const { [message.author]: _, ...stillTyping } = next.typing[message.conversation] ?? {};
  next = { ...next, typing: { ...next.typing, [message.conversation]: stillTyping } };
  const conversation = next.conversations[message.conversation];
  if (!conversation) return next;
  const isNewest = !conversation.last || conversation.last.seq < message.seq;
  const mine = message.author === state.me;
  const counts = isNewest && !isKnown && !mine && !message.silent && message.seq > conversation.read_seq;
  const haveRead = mine && isNewest && message.kind === "text"; // who writes has read what stands above
  return withConversation(next, {
    ...conversation,
    last: isNewest ? message : conversation.last,
    unread: haveRead ? 0 : conversation.unread + (counts ? 1 : 0),
    read_seq: haveRead ? message.seq : conversation.read_seq,
    reads: message.kind === "text" ? { ...conversation.reads, [message.author]: message.seq } : conversation.reads,
  });
}

function withChangedMessage(state: ChatState, message: Message): ChatState {
  let next = state;
  const timeline = state.timelines[message.conversation];
  if (timeline?.messages.some((one) => one.id === message.id)) {
    next = withTimeline(state, message.conversation, () => ({
      ...timeline,
      messages: timeline.messages.map((one) => (one.id === message.id ? newer(one, message) : one)),
    }));
  }
  const conversation = next.conversations[message.conversation];
  if (conversation?.last?.id !== message.id) return next;
  return withConversation(next, { ...conversation, last: newer(conversation.last, message) });
}

/** Copies may arrive in any order: by an event, by an answer, by a page. */
const newer = (a: Message, b: Message): Message => (b.changed_seq >= a.changed_seq ? b : a);

function withConversation(state: ChatState, conversation: Conversation): ChatState {
  return { ...state, conversations: { ...state.conversations, [conversation.id]: conversation } };
}

function changedConversation(state: ChatState, id: string, change: Partial<Conversation>): ChatState {
  const conversation = state.conversations[id];
  return conversation ? withConversation(state, { ...conversation, ...change }) : state;
}

function withoutConversation(state: ChatState, id: string): ChatState {
  const { [id]: _, ...conversations } = state.conversations;
  const { [id]: __, ...timelines } = state.timelines;
  return withoutPending({ ...state, conversations, timelines }, (one) => one.conversation === id);
}

function withRead(state: ChatState, read: Read): ChatState {
  const conversation = state.conversations[read.conversation];
  if (!conversation) return state;
  const known = conversation.reads[read.number] ?? 0;
  const reads = { ...conversation.reads, [read.number]: Math.max(read.read_seq, known) };
  if (read.number !== state.me || read.read_seq <= conversation.read_seq) {
    return withConversation(state, { ...conversation, reads });
  }
  const unread = unreadAfter(state, conversation, read.read_seq);
  return withConversation(state, { ...conversation, reads, read_seq: read.read_seq, unread });
}

/** How many stay unread, as far as the timeline is known here. */
function unreadAfter(state: ChatState, conversation: Conversation, seq: number): number {
  if (!conversation.last || seq >= conversation.last.seq) return 0;
  const messages = state.timelines[conversation.id]?.messages;
  return messages
    ? messages.filter((one) => one.seq > seq && one.author !== state.me && !one.silent).length
    : conversation.unread;
}

function synced(state: ChatState, sync: Sync): ChatState {
  let next = state;
  if (sync.reset) next = { ...state, conversations: {}, timelines: {} };
  for (const id of sync.removed) next = withoutConversation(next, id);
  // A conversation's own counts are the server's: they replace what its messages have counted here.
  for (const message of sync.messages) {
    next = withChangedMessage(withMessage(next, message), message);
  }
  for (const conversation of sync.conversations) next = withConversation(next, conversation);
  for (const read of sync.reads) next = withRead(next, read);
  return { ...next, seq: sync.reset ? sync.seq : Math.max(next.seq, sync.seq) };
}

/** Both in order of `seq`, each message once, the newer copy of it. */
function merged(old: readonly Message[], fresh: readonly Message[]): Message[] {
  const byId = new Map(old.map((message) => [message.id, message]));
  for (const message of fresh) byId.set(message.id, newer(byId.get(message.id) ?? message, message));
  return [...byId.values()].sort((a, b) => a.seq - b.seq);
}
