/**
 * What browsers hear and say over Socket.IO. Written by `python -m web.live.typescript` from the server's own
 * models: change those, not this file.
 */
import * as z from "zod";

/** `activity`: whether somebody sits before this browser. Said on every change; a browser that connects counts as active until it says otherwise. */
export const activity = z.object({ state: z.enum(["active", "away"]) });
export type Activity = z.infer<typeof activity>;

/** Somebody has to wait after wrong passwords, or need not any more; to admins. */
export const blocksChanged = z.object({  });
export type BlocksChanged = z.infer<typeof blocksChanged>;

/** The device of the one who asks, on which a call goes on. */
export const callDevice = z.object({ sip_name: z.string(), browser: z.boolean() });
export type CallDevice = z.infer<typeof callDevice>;

/** A call as its owner sees it. */
export const direction = z.enum(["in", "out"]);
export type Direction = z.infer<typeof direction>;

/** Somebody of a call; the name is empty where nobody knows it. */
export const party = z.object({ number: z.string(), name: z.string() });
export type Party = z.infer<typeof party>;

export const outcome = z.enum(["answered", "busy", "no-answer", "unreachable", "dnd", "refused", "cancelled", "failed", "not-found"]);
export type Outcome = z.infer<typeof outcome>;

/** What ended a call. The value is the record's word with hyphens for blanks. */
export const causeCode = z.enum(["busy", "nobody-answered", "nobody-was-reachable", "do-not-disturb", "declined", "failed", "no-such-number", "caller-gave-up", "caller-hung-up", "callee-hung-up", "caller-was-lost", "callee-was-lost", "ended-by-the-server", "ended-by-an-administrator", "no-session-description", "transfer-failed", "transferred-while-it-rang", "transferee-hung-up", "the-parties-could-not-be-joined", "transferred", "other"]);
export type CauseCode = z.infer<typeof causeCode>;

/** How a call ended. `detail` is a SIP phrase or a reason of the media plane, in English; mostly empty. */
export const cause = z.object({ code: causeCode, detail: z.string() });
export type Cause = z.infer<typeof cause>;

/** A call that has ended, as one of its parties sees it. */
export const callItem = z.object({ id: z.string(), direction: direction, other: party, dialled: z.string(), answered_by: z.string().nullable(), answered_by_name: z.string().nullable(), started_at: z.string(), answered_at: z.string().nullable(), ended_at: z.string(), outcome: outcome, cause: cause, missed: z.boolean(), seen: z.boolean() });
export type CallItem = z.infer<typeof callItem>;

/** A call in progress. What is said of the one who asks is null for an admin who is not in it. */
export const liveCall = z.object({ id: z.string(), caller: party, callee: party, dialled: z.string(), state: z.enum(["ringing", "talking", "ended"]), started_at: z.string(), answered_at: z.string().nullable(), direction: direction.nullable(), other: party.nullable(), device: callDevice.nullable() });
export type LiveCall = z.infer<typeof liveCall>;

/** A call of mine began, was answered or ended (then `state` is "ended"); to those in it, and to admins. */
export const callLive = z.object({ call: liveCall });
export type CallLive = z.infer<typeof callLive>;

/** A call of mine has ended and stands in the history; to its caller and to those it was for. */
export const callRecorded = z.object({ call: callItem });
export type CallRecorded = z.infer<typeof callRecorded>;

/** Live calls may have changed unheard: fetch them again; to everyone. */
export const callsReset = z.object({  });
export type CallsReset = z.infer<typeof callsReset>;

/** Missed calls were looked at, in this or another browser of mine. */
export const callsSeen = z.object({  });
export type CallsSeen = z.infer<typeof callsSeen>;

/** A file of a message. `removed`: it was there, and retention has removed it. */
export const chatAttachment = z.object({ id: z.string(), name: z.string(), type: z.string(), size: z.number(), width: z.number().nullable(), height: z.number().nullable(), has_thumbnail: z.boolean(), removed: z.boolean() });
export type ChatAttachment = z.infer<typeof chatAttachment>;

/** A call between the two of a conversation. `duration` is in seconds of talk. */
export const chatCall = z.object({ id: z.string(), caller: z.string(), callee: z.string(), answered_by: z.string().nullable(), outcome: z.string(), missed: z.boolean(), duration: z.number() });
export type ChatCall = z.infer<typeof chatCall>;

export const conversationKind = z.enum(["direct", "group"]);
export type ConversationKind = z.infer<typeof conversationKind>;

export const messageKind = z.enum(["text", "call", "system"]);
export type MessageKind = z.infer<typeof messageKind>;

/** What happened to a group; who did it is the author of the message. */
export const chatHappening = z.object({ what: z.enum(["group.created", "title.changed", "member.added", "member.removed", "member.left"]), number: z.string().nullable().optional(), title: z.string().nullable().optional() });
export type ChatHappening = z.infer<typeof chatHappening>;

/** A message. `seq` is its place in the order of all messages, `changed_seq` the number of its last change: of two versions, the one with the greater is the newer. A deleted message has `deleted_at` and no text. */
export const chatMessage = z.object({ id: z.number(), conversation: z.number(), seq: z.number(), changed_seq: z.number(), client_id: z.string().nullable(), author: z.string(), kind: messageKind, silent: z.boolean(), text: z.string(), attachments: z.array(chatAttachment), reply_to: z.number().nullable(), call: chatCall.nullable(), system: chatHappening.nullable(), created_at: z.string(), edited_at: z.string().nullable(), deleted_at: z.string().nullable() });
export type ChatMessage = z.infer<typeof chatMessage>;

/** What a conversation is to me. */
export const chatConversation = z.object({ id: z.number(), kind: conversationKind, title: z.string().nullable(), members: z.array(z.string()), owners: z.array(z.string()), reads: z.record(z.string(), z.number()), created_at: z.string(), seq: z.number(), last: chatMessage.nullable(), unread: z.number(), read_seq: z.number(), muted: z.boolean() });
export type ChatConversation = z.infer<typeof chatConversation>;

/** What a conversation is to all its members. `reads` has the newest message that each of them has read. */
export const chatFacts = z.object({ id: z.number(), kind: conversationKind, title: z.string().nullable(), members: z.array(z.string()), owners: z.array(z.string()), reads: z.record(z.string(), z.number()), created_at: z.string(), seq: z.number() });
export type ChatFacts = z.infer<typeof chatFacts>;

/** Retention has removed messages or files: fetch the conversations again and forget all messages; to everyone. */
export const chatReset = z.object({  });
export type ChatReset = z.infer<typeof chatReset>;

/** The first event of every connection. Fetch `GET /sync?since=` where the chat has come further than one knows. */
export const connected = z.object({ seq: z.number().nullable() });
export type Connected = z.infer<typeof connected>;

/** I am in a conversation that I did not have. Its timeline is to be fetched. */
export const conversationAdded = z.object({ conversation: chatConversation });
export type ConversationAdded = z.infer<typeof conversationAdded>;

/** The title, members or owners of a conversation of mine are others; what is mine alone of it stays. */
export const conversationChanged = z.object({ conversation: chatFacts });
export type ConversationChanged = z.infer<typeof conversationChanged>;

/** I want to hear nothing of a conversation, or want to again; said in this or another browser of mine. */
export const conversationMuted = z.object({ conversation: z.number(), muted: z.boolean() });
export type ConversationMuted = z.infer<typeof conversationMuted>;

/** A conversation is none of mine any more. */
export const conversationRemoved = z.object({ conversation: z.number() });
export type ConversationRemoved = z.infer<typeof conversationRemoved>;

/** A device of mine was added, removed, or came or went. */
export const deviceChanged = z.object({  });
export type DeviceChanged = z.infer<typeof deviceChanged>;

/** People or groups changed: the entries of these numbers are to be fetched again, all if there are none. */
export const directoryChanged = z.object({ numbers: z.array(z.string()) });
export type DirectoryChanged = z.infer<typeof directoryChanged>;

/** My forwarding rules changed. */
export const forwardingChanged = z.object({  });
export type ForwardingChanged = z.infer<typeof forwardingChanged>;

/** A message was edited or deleted, or its pictures got their thumbnails; replaces the copy. */
export const messageChanged = z.object({ message: chatMessage });
export type MessageChanged = z.infer<typeof messageChanged>;

/** A message was added to a conversation of mine. The author of a text has thereby read all up to it. */
export const messageSent = z.object({ message: chatMessage });
export type MessageSent = z.infer<typeof messageSent>;

/** What others see of a person. */
export const presence = z.enum(["available", "on-the-phone", "dnd", "away", "offline"]);
export type Presence = z.infer<typeof presence>;

/** What somebody's presence is now, and since when. */
export const personPresence = z.object({ number: z.string(), presence: presence, since: z.string() });
export type PersonPresence = z.infer<typeof personPresence>;

/** People came, went or are on the phone; to everyone. Changes of a moment, less than a second, come together: each person once with `number`, `presence` and `since`. */
export const presenceChanged = z.object({ people: z.array(personPresence) });
export type PresenceChanged = z.infer<typeof presenceChanged>;

/** What I have set for myself changed: name, language, theme, status, favourites. */
export const profileChanged = z.object({  });
export type ProfileChanged = z.infer<typeof profileChanged>;

/** Somebody, or I in another browser, has read all up to a message. */
export const readChanged = z.object({ conversation: z.number(), number: z.string(), read_seq: z.number() });
export type ReadChanged = z.infer<typeof readChanged>;

/** A phone came or went; to admins. */
export const registrationChanged = z.object({ number: z.string(), sip_name: z.string() });
export type RegistrationChanged = z.infer<typeof registrationChanged>;

/** `send`: the same as POST /conversations/{id}/messages; the acknowledgement has the message. */
export const send = z.object({ client_id: z.string(), text: z.string().optional(), attachments: z.array(z.string()).optional(), reply_to: z.number().nullable().optional(), conversation: z.number() });
export type Send = z.infer<typeof send>;

/** This browser is signed out; the connection ends. */
export const sessionRevoked = z.object({  });
export type SessionRevoked = z.infer<typeof sessionRevoked>;

/** `typing`: I am writing in a conversation; at most once every three seconds. */
export const typing = z.object({ conversation: z.number() });
export type Typing = z.infer<typeof typing>;

/** Somebody writes in a conversation of mine; said again every few seconds while it is so. */
export const typingSeen = z.object({ conversation: z.number(), number: z.string() });
export type TypingSeen = z.infer<typeof typingSeen>;

/** `seq` numbers what `GET /sync` catches up with; null for everything else. */
const event = <Name extends string, Data extends z.ZodType>(type: Name, data: Data) =>
  z.object({ seq: z.number().nullable(), type: z.literal(type), data });

export const liveEvent = z.discriminatedUnion("type", [
  event("blocks.changed", blocksChanged),
  event("call.live", callLive),
  event("call.recorded", callRecorded),
  event("calls.reset", callsReset),
  event("calls.seen", callsSeen),
  event("chat.reset", chatReset),
  event("connected", connected),
  event("conversation.added", conversationAdded),
  event("conversation.changed", conversationChanged),
  event("conversation.muted", conversationMuted),
  event("conversation.removed", conversationRemoved),
  event("device.changed", deviceChanged),
  event("directory.changed", directoryChanged),
  event("forwarding.changed", forwardingChanged),
  event("message.changed", messageChanged),
  event("message.sent", messageSent),
  event("presence.changed", presenceChanged),
  event("profile.changed", profileChanged),
  event("read.changed", readChanged),
  event("registration.changed", registrationChanged),
  event("session.revoked", sessionRevoked),
  event("typing", typingSeen),
]);
export type LiveEvent = z.infer<typeof liveEvent>;

/** What a browser may ask, by name. */
export interface LiveRequests {
  activity: Activity;
  send: Send;
  typing: Typing;
}
