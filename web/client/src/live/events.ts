/**
 * What arrives on the socket, checked before anybody sees it.
 *
 * `api/events.ts` is generated from the server's own models. Here the same events have the types that the rest of
 * the client uses (ids as text); the last lines make the compiler compare the two.
 */
import { conversation, facts, message, read } from "@/api/chat_schemas";
import type { LiveEvent as Wire } from "@/api/events";
import { callRecord, id, liveCall, presence } from "@/api/schemas";
import { z } from "@/api/zod";

const event = <Name extends string, Data extends z.ZodType>(type: Name, data: Data) =>
  z.object({ type: z.literal(type), seq: z.number().nullable(), data });

const nothing = z.object({});

export const liveEvent = z.discriminatedUnion("type", [
  event("connected", z.object({ seq: z.number().nullable() })),
  event("message.sent", z.object({ message })),
  event("message.changed", z.object({ message })),
  event("conversation.added", z.object({ conversation })),
  event("conversation.changed", z.object({ conversation: facts })),
  event("conversation.muted", z.object({ conversation: id, muted: z.boolean() })),
  event("conversation.removed", z.object({ conversation: id })),
  event("read.changed", read),
  event("chat.reset", nothing),
  event("typing", z.object({ conversation: id, number: z.string() })),
  event("presence.changed", z.object({ people: z.array(z.object({ number: z.string(), presence, since: z.string() })) })),
  event("call.recorded", z.object({ call: callRecord })),
  event("call.live", z.object({ call: liveCall })),
  event("calls.reset", nothing),
  event("calls.seen", nothing),
  event("profile.changed", nothing),
  event("forwarding.changed", nothing),
  event("directory.changed", z.object({ numbers: z.array(z.string()) })),
  event("device.changed", nothing),
  event("session.revoked", nothing),
  event("blocks.changed", nothing),
  event("registration.changed", z.object({ number: z.string(), sip_name: z.string() })),
]);
export type LiveEvent = z.infer<typeof liveEvent>;

/** Fails to compile where the server sends what is not understood here. */
export const understood = (wire: Wire): z.input<typeof liveEvent> => wire;
