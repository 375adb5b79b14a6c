/** The admin's part of the API. */
import { z } from "@/api/zod";

import { address, get, patch, post, put, remove } from "@/api/http";
import { auditEntry, callDetail, device, liveCall, newDevice, page, simulation } from "@/api/schemas";

const sure = encodeURIComponent;
const count = z.number().default(0);

export const overview = z.object({
  users: count,
  devices: count,
  registered: count,
  live_calls: count,
  calls_today: count,
  missed_today: count,
  blocks: count,
  browsers: count,
  version: z.string().nullish(),
  started_at: z.string().nullish(),
  domain: z.string().nullish(),
  processes: z
    .array(z.object({ name: z.string(), state: z.string(), since: z.string().nullish(), detail: z.string().nullish() }))
    .default([]),
  warnings: z.array(z.object({ code: z.string(), detail: z.string() })).default([]),
  listens: z.array(z.object({ name: z.string(), address: z.string() })).default([]),
  disk: z.object({ used: z.number(), free: z.number() }).nullish(),
});
export type Overview = z.infer<typeof overview>;

export const adminUser = z.object({
  number: z.string(),
  name: z.string(),
  role: z.enum(["user", "admin"]),
  employee_id: z.string().nullish(),
  devices: z.union([z.number(), z.array(device)]).nullish(),
  devices_online: z.number().default(0),
  can_sign_in: z.boolean().default(false),
  forwarding: z.number().default(0),
  created_at: z.string().nullish(),
  last_seen: z.string().nullish(),
  version: z.number().nullish(),
});
export type AdminUser = z.infer<typeof adminUser>;

export const madeUser = adminUser.extend({
  password: z.string().nullish(),
  sip_name: z.string().nullish(),
  sip_password: z.string().nullish(),
});
export type MadeUser = z.infer<typeof madeUser>;

const importReport = z.object({
  added: z.array(z.string()).default([]),
  changed: z.array(z.string()).default([]),
  unchanged: z.array(z.string()).default([]),
  errors: z.array(z.object({ line: z.number(), message: z.string() })).default([]),
  passwords: z.record(z.string(), z.string()).default({}),
});
export type ImportReport = z.infer<typeof importReport>;

export const group = z.object({
  number: z.string(),
  members: z.array(z.string()),
  strategy: z.enum(["all", "in-turn"]),
  version: z.number().nullish(),
});
export type Group = z.infer<typeof group>;

export const registration = z.object({
  number: z.string(),
  name: z.string().nullish(),
  sip_name: z.string().nullish(),
  contact: z.string().nullish(),
  transport: z.string().nullish(),
  address: z.string().nullish(),
  user_agent: z.string().nullish(),
  registered_at: z.string().nullish(),
  expires_at: z.string().nullish(),
  reachable: z.boolean().default(true),
});
export type Registration = z.infer<typeof registration>;

export const adminDevice = device.extend({ number: z.string(), name: z.string().nullish() });
export type AdminDevice = z.infer<typeof adminDevice>;

export const block = z.object({
  what: z.string(),
  address: z.string().nullish(),
  account: z.string().nullish(),
  reason: z.string().nullish(),
  since: z.string().nullish(),
  until: z.string().nullish(),
  attempts: z.number().nullish(),
});
export type Block = z.infer<typeof block>;

const days = z.number().int().nullish().transform((value) => value ?? null);
export const retention = z.object({ messages_days: days, files_days: days, calls_days: days });
export type Retention = z.infer<typeof retention>;
const preview = z.object({ messages: count, files: count, calls: count });
export type RetentionPreview = z.infer<typeof preview>;

const hold = z.object({
  number: z.string(),
  name: z.string().default(""),
  reason: z.string(),
  set_at: z.string(),
  set_by: z.string(),
  messages: count,
  kept: count,
});
export type Hold = z.infer<typeof hold>;

export const getOverview = () => get("/admin/overview", overview);

export const getUsers = (q: string, before: string | null) =>
  get("/admin/users", page(adminUser), { q, before, limit: 100 });
export const getUser = (number: string) => get(`/admin/users/${sure(number)}`, adminUser);
export const addUser = (user: Partial<AdminUser>) => post("/admin/users", user, madeUser);
export const changeUser = (number: string, change: Partial<AdminUser>) =>
  patch(`/admin/users/${sure(number)}`, change, adminUser);
export const removeUser = (number: string) => remove(`/admin/users/${sure(number)}`);
export const newPassword = (number: string) =>
  post(`/admin/users/${sure(number)}/password`, {}, z.object({ password: z.string() }));
export const importUsers = (csv: string, dryRun: boolean) =>
  post("/admin/users/import", { csv, dry_run: dryRun }, importReport);

export const getDevicesOf = (number: string) => get("/admin/devices", page(adminDevice), { number });
export const addDeviceFor = (number: string, label: string) => post("/admin/devices", { number, label }, newDevice);
export const removeDeviceOf = (sipName: string) => remove(`/admin/devices/${sure(sipName)}`);
export const getGroups = () => get("/admin/groups", page(group));
export const putGroup = (value: Group) =>
  put(`/admin/groups/${sure(value.number)}`, { members: value.members, strategy: value.strategy }, group);
export const removeGroup = (number: string) => remove(`/admin/groups/${sure(number)}`);
export const getRegistrations = (q: string) => get("/admin/registrations", page(registration), { q });
export const getAllLiveCalls = () => get("/admin/calls/live", z.object({ items: z.array(liveCall) }));
export const hangUp = (call: string) => remove(`/admin/calls/live/${sure(call)}`);
export const getRecords = (query: { q?: string; outcome?: string | null; before?: string | null }) =>
  get("/admin/calls", page(callDetail), { ...query, limit: 100 });
export const getBlocks = () => get("/admin/blocks", page(block));
export const release = (what: string) => remove(`/admin/blocks/${sure(what)}`);
export const getRetention = () => get("/admin/retention", retention);
export const putRetention = (value: Retention) => put("/admin/retention", value, retention);
export const previewRetention = (value: Retention) => post("/admin/retention/preview", value, preview);
export const getHolds = () => get("/admin/retention/holds", z.object({ items: z.array(hold) }));
export const putHold = (number: string, reason: string) => put(`/admin/retention/holds/${sure(number)}`, { reason }, hold);
export const liftHold = (number: string) => remove(`/admin/retention/holds/${sure(number)}`);
export const holdExport = (number: string): string => address(`/admin/retention/holds/${sure(number)}/export`);
export const getAudit = (query: { actor?: string; action?: string; before?: string | null }) =>
  get("/admin/audit", page(auditEntry), { ...query, limit: 100 });
export const simulateAny = (what: { caller: string; dialled: string; at?: string; states?: Record<string, string> }) =>
  post("/admin/simulate", what, simulation);
