/** What the server sends about conversations and messages. */
import { z } from "@/api/zod";

import { id, outcome } from "@/api/schemas";

export const attachment = z.object({
  id,
  name: z.string(),
  type: z.string(),
  size: z.number(),
  width: z.number().nullish(),
  height: z.number().nullish(),
  has_thumbnail: z.boolean().default(false),
  removed: z.boolean().default(false), // retention has removed it
});
export type Attachment = z.infer<typeof attachment>;

/** A call between the two people of a direct conversation. */
export const callOfMessage = z.object({
  id,
  caller: z.string(),
  callee: z.string(),
  outcome: z.string().transform((word) => outcome.parse(word)),
  missed: z.boolean(),
  duration: z.number(), // seconds of talk
});
export type CallOfMessage = z.infer<typeof callOfMessage>;

/** What happened to a group; the author of the message did it. */
export const happening = z.object({
  what: z.enum(["group.created", "title.changed", "member.added", "member.removed", "member.left"]),
  number: z.string().nullish(),
  title: z.string().nullish(),
});

export const message = z.object({
  id,
  conversation: id,
  seq: z.number(),
  changed_seq: z.number(), // of two copies the one with the greater is newer
  client_id: z.string().nullish(),
  author: z.string(),
  kind: z.enum(["text", "call", "system"]),
  silent: z.boolean(), // does not count as unread
  text: z.string(),
  attachments: z.array(attachment).default([]),
  reply_to: id.nullish(),
  call: callOfMessage.nullish(),
  system: happening.nullish(),
  created_at: z.string(),
  edited_at: z.string().nullish(),
  deleted_at: z.string().nullish(),
});
export type Message = z.infer<typeof message>;

/** What a conversation is to all its members. */
export const facts = z.object({
  id,
  kind: z.enum(["direct", "group"]),
  title: z.string().nullish(),
  members: z.array(z.string()),
  owners: z.array(z.string()), // who may remove others, and messages of others
  reads: z.record(z.string(), z.number()),
  created_at: z.string(),
  seq: z.number(),
});
export type Facts = z.infer<typeof facts>;

/** What it is to me. */
export const conversation = facts.extend({
  last: message.nullish(),
  unread: z.number(),
  read_seq: z.number(),
  muted: z.boolean(),
});
export type Conversation = z.infer<typeof conversation>;

export const read = z.object({ conversation: id, number: z.string(), read_seq: z.number() });
export type Read = z.infer<typeof read>;

export const sync = z.object({
  seq: z.number(),
  reset: z.boolean(),
  conversations: z.array(conversation),
  removed: z.array(id),
  messages: z.array(message),
  reads: z.array(read),
});
export type Sync = z.infer<typeof sync>;
