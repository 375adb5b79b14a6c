/** Signing in and out, and the snapshot that a signed-in browser starts from. */
import { z } from "@/api/zod";

import { get, patch, post, put, remove } from "@/api/http";
import { device, me, newDevice, page, session, sipAccount, start } from "@/api/schemas";

const sure = encodeURIComponent;

export const signIn = (user: string, password: string, newPassword?: string) =>
  post("/session", { user, password, ...(newPassword ? { new_password: newPassword } : {}) }, z.unknown());
export const signOut = () => remove("/session");
export const getStart = () => get("/start", start);
export const renewSip = () => get("/start/sip", sipAccount);

export const getMe = () => get("/me", me);
export const changeMe = (change: { name?: string; language?: string; theme?: string; status?: string }) =>
  patch("/me", change, me);
export const changePassword = (old: string, fresh: string) => put<void>("/me/password", { old, new: fresh });

export const getDevices = () => get("/me/devices", page(device));
export const addDevice = (label: string) => post("/me/devices", { label }, newDevice);
export const removeDevice = (sipName: string) => remove(`/me/devices/${sure(sipName)}`);

export const getSessions = () => get("/me/sessions", page(session));
export const endSession = (id: string) => remove(`/me/sessions/${sure(id)}`);
