/** What the server sends about people, calls and the session. Fields that we don't use are not named. */
import { z } from "@/api/zod";

export const id = z.union([z.string(), z.number()]).transform(String);
const when = z.string();

export const presence = z.enum(["available", "on-the-phone", "away", "offline", "dnd"]).catch("offline");
export type Presence = z.infer<typeof presence>;

export const role = z.enum(["user", "admin"]);
export const theme = z.enum(["system", "light", "dark"]).nullish().catch(null);

/** A page of a list, and where the next one begins. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: id.nullish().transform((next) => next ?? null) });
export interface Page<T> {
  items: T[];
  next: string | null;
}

export const me = z.object({
  number: z.string(),
  name: z.string(),
  role,
  language: z.string().nullish(),
  theme,
  status: z.string().nullish(),
  has_phone: z.boolean(),
});
export type Me = z.infer<typeof me>;

export const sipAccount = z.object({
  uri: z.string(),
  username: z.string(),
  password: z.string(),
  realm: z.string().nullish(),
  path: z.string().default("/sip"),
  expires_at: when,
});
export type SipAccount = z.infer<typeof sipAccount>;

export const start = z.object({
  user: me,
  server: z.object({ name: z.string().nullish(), domain: z.string(), version: z.string() }),
  sip: sipAccount.nullable(),
  seq: z.number().default(0),
  features: z.record(z.string(), z.unknown()).default({}),
});
export type Start = z.infer<typeof start>;

export const person = z.object({
  number: z.string(),
  name: z.string(),
  role: z.string().default("user"),
  presence: presence.default("offline"),
  presence_since: when.nullish(),
  status: z.string().nullish(),
  favourite: z.boolean().default(false),
  devices_online: z.number().default(0),
});
export type Person = z.infer<typeof person>;

export const party = z.object({ number: z.string(), name: z.string().nullish() });
export type Party = z.infer<typeof party>;

export const outcome = z
  .enum(["answered", "busy", "no-answer", "unreachable", "dnd", "refused", "cancelled", "failed", "not-found"])
  .catch("failed");
export type Outcome = z.infer<typeof outcome>;

/** How a call ended: the client has the words. */
const cause = z.object({ code: z.string(), detail: z.string() });
export type Cause = z.infer<typeof cause>;

export const callRecord = z.object({
  id,
  direction: z.enum(["in", "out"]),
  other: party,
  dialled: z.string().nullish(),
  answered_by: z.string().nullish(),
  started_at: when,
  answered_at: when.nullish(),
  ended_at: when.nullish(),
  outcome,
  cause: cause.nullish(),
  missed: z.boolean().default(false),
  seen: z.boolean().default(true),
});
export type CallRecord = z.infer<typeof callRecord>;

export const callDetail = z.object({
  id,
  caller: z.string().nullish(),
  caller_name: z.string().nullish(),
  dialled: z.string().nullish(),
  started_at: when,
  answered_at: when.nullish(),
  ended_at: when.nullish(),
  answered_by: z.string().nullish(),
  outcome,
  cause: cause.nullish(),
  explanation: z.array(z.string()).default([]),
  statistics: z.unknown().optional(),
});
export type CallDetail = z.infer<typeof callDetail>;

export const liveCall = z.object({
  id,
  caller: party.nullish(),
  callee: party.nullish(),
  other: party.nullish(),
  direction: z.enum(["in", "out"]).nullish(),
  state: z.string(),
  started_at: when.nullish(),
  answered_at: when.nullish(),
  device: z.object({ sip_name: z.string(), label: z.string().nullish(), browser: z.boolean().default(false) }).nullish(),
});
export type LiveCall = z.infer<typeof liveCall>;

export const ruleKind = z.enum(["always", "busy", "no-answer", "unreachable", "dnd", "caller", "time"]);
export type RuleKind = z.infer<typeof ruleKind>;

export const rule = z.object({
  id: z.number().nullish(),
  kind: ruleKind,
  targets: z.array(z.string()).default([]),
  after: z.number().nullish(),
  caller: z.string().nullish(),
  start: z.string().nullish(),
  end: z.string().nullish(),
  days: z.array(z.number()).nullish(),
  version: z.number().nullish(),
});
export type Rule = z.infer<typeof rule>;

export const forwarding = z.object({
  version: z.number(),
  rules: z.array(rule),
  ring_seconds: z.number(),
  changed_at: when.nullish(),
  changed_by: z.string().nullish(),
});
export type Forwarding = z.infer<typeof forwarding>;

/** `lines` tell one call as it would go, `plan` what follows every outcome. */
export const simulation = z.object({ lines: z.array(z.string()), plan: z.array(z.string()), warnings: z.array(z.string()) });
export type Simulation = z.infer<typeof simulation>;

export const device = z.object({
  sip_name: z.string(),
  label: z.string(),
  created_at: when.nullish(),
  online: z.boolean().default(false),
  registered_at: when.nullish(),
  last_seen: when.nullish(),
  user_agent: z.string().nullish(),
  address: z.string().nullish(),
  transport: z.string().nullish(),
});
export type Device = z.infer<typeof device>;

/** Where Linphone fetches its account by itself, once. */
export const linphone = z.object({ url: z.string(), qr_svg: z.string(), until: when, own_authority: z.boolean().default(false) });

export const newDevice = z.object({
  sip_name: z.string(),
  sip_password: z.string(),
  label: z.string().nullish(),
  uri: z.string().nullish(),
  domain: z.string().nullish(),
  servers: z.array(z.object({ transport: z.string(), host: z.string(), port: z.number() })).default([]),
  linphone: linphone.nullish(),
});
export type NewDevice = z.infer<typeof newDevice>;

export const session = z.object({
  id,
  created_at: when,
  last_seen: when.nullish(),
  address: z.string().nullish(),
  user_agent: z.string().nullish(),
  current: z.boolean().default(false),
});
export type Session = z.infer<typeof session>;

export const auditEntry = z.object({
  id,
  at: when,
  actor: z.string(),
  action: z.string(),
  subject: z.string().nullish(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});
export type AuditEntry = z.infer<typeof auditEntry>;
