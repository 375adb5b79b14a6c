/** Conversations and messages. */
import { get, patch, post, put, remove } from "@/api/http";
import { conversation, message, sync } from "@/api/chat_schemas";
import { page } from "@/api/schemas";

const sure = encodeURIComponent;

export const getConversations = (before: string | null) =>
  get("/conversations", page(conversation), { before, limit: 200 });
export const getConversation = (id: string) => get(`/conversations/${sure(id)}`, conversation);
export const startDirect = (number: string) =>
  post("/conversations", { kind: "direct", members: [number] }, conversation);
export const startGroup = (title: string, members: string[]) =>
  post("/conversations", { kind: "group", title, members }, conversation);
export const changeConversation = (id: string, change: { title?: string; muted?: boolean }) =>
  patch(`/conversations/${sure(id)}`, change, conversation);
export const addMember = (id: string, number: string) =>
  put<void>(`/conversations/${sure(id)}/members/${sure(number)}`);
export const removeMember = (id: string, number: string) =>
  remove(`/conversations/${sure(id)}/members/${sure(number)}`);

export const getMessages = (id: string, query: { before?: number; after?: number; limit?: number }) =>
  get(`/conversations/${sure(id)}/messages`, page(message), query);

export interface NewMessage {
  client_id: string;
  text: string;
  attachments: string[];
  reply_to: number | null;
}
export const sendMessage = (id: string, what: NewMessage) =>
  post(`/conversations/${sure(id)}/messages`, what, message);
export const editMessage = (id: string, text: string) => patch(`/messages/${sure(id)}`, { text }, message);
export const deleteMessage = (id: string) => remove(`/messages/${sure(id)}`, message);

export const markRead = (id: string, seq: number) => put<void>(`/conversations/${sure(id)}/read`, { seq });
export const getSync = (since: number) => get("/sync", sync, { since });
export const search = (q: string, signal?: AbortSignal) => get("/search", page(message), { q }, signal);
