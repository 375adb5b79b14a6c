/** The directory with presence, calls, and forwarding. */
import { z } from "@/api/zod";

import { get, post, put, remove } from "@/api/http";
import { callDetail, callRecord, forwarding, liveCall, page, person, type Rule, simulation } from "@/api/schemas";

const sure = encodeURIComponent;

export const getPeople = (q = "", before: string | null = null) =>
  get("/people", page(person), { q, before, limit: 500 });
export const getPerson = (number: string) => get(`/people/${sure(number)}`, person);
export const setFavourite = (number: string, favourite: boolean) =>
  favourite ? put<void>(`/people/${sure(number)}/favourite`) : remove(`/people/${sure(number)}/favourite`);

export interface CallFilter {
  filter?: string | null;
  with?: string | null;
  before?: string | null;
}
export const getCalls = (filter: CallFilter) => get("/me/calls", page(callRecord), { ...filter, limit: 50 });
export const markCallsSeen = () => put<void>("/me/calls/seen");
export const getCall = (id: string) => get(`/calls/${sure(id)}`, callDetail);
export const getLiveCalls = () => get("/me/calls/live", z.object({ items: z.array(liveCall) }));
export const pullCall = (id: string, device: string) => post<void>(`/me/calls/${sure(id)}/pull`, { device });

/** Whose rules: one's own, or for admins those of a number. */
export type Owner = { number: string; own: boolean };
const rulesOf = (owner: Owner) => (owner.own ? "/me/forwarding" : `/admin/users/${sure(owner.number)}/forwarding`);

export const getForwarding = (owner: Owner) => get(rulesOf(owner), forwarding);
export const saveForwarding = (owner: Owner, version: number, rules: Rule[]) =>
  put(rulesOf(owner), { version, rules }, forwarding);

export interface Assumptions {
  caller?: string;
  at?: string;
  states?: Record<string, string>;
}
export const simulate = (owner: Owner, rules: Rule[], assumptions: Assumptions, signal?: AbortSignal) =>
  post(`${rulesOf(owner)}/simulate`, { rules, ...assumptions }, simulation, signal);

const change = z.object({
  at: z.string(),
  actor: z.string(),
  action: z.string().nullish(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});
export type ForwardingChange = z.infer<typeof change>;
export const getForwardingHistory = (owner: Owner) => get(`${rulesOf(owner)}/history`, page(change));
