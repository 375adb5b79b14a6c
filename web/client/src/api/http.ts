/**
 * The one door to the server's HTTP API: the same origin, the session's cookie, one shape of error.
 *
 * What comes back is checked against a schema here, at the edge; past it everybody trusts the types.
 */
import type { ZodType } from "zod";

import { language } from "@/i18n";

const ROOT = "/api/v1";
const DEADLINE = 20_000; // ms; an answer that takes longer is of no use to a person who waits

/** What went wrong, in words that the server chose, or `offline`, `timeout`, `unexpected` by us. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: unknown = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

let onSignedOut: () => void = () => undefined;

/** What to do when the server says that nobody is signed in any more. */
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

export function get<T>(path: string, schema: ZodType<T>, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return request("GET", path, { schema, query, signal });
}

export function post<T>(path: string, body: unknown, schema?: ZodType<T>, signal?: AbortSignal): Promise<T> {
  return request("POST", path, { body, schema, signal });
}

export function put<T>(path: string, body?: unknown, schema?: ZodType<T>): Promise<T> {
  return request("PUT", path, { body, schema });
}

export function patch<T>(path: string, body: unknown, schema?: ZodType<T>): Promise<T> {
  return request("PATCH", path, { body, schema });
}

export function remove<T = void>(path: string, schema?: ZodType<T>): Promise<T> {
  return request("DELETE", path, { schema });
}

/** The address of something that an element loads by itself: a picture, a download. */
export function address(path: string): string {
  return ROOT + path;
}

interface Options<T> {
  body?: unknown;
  schema?: ZodType<T> | undefined;
  query?: Query;
  signal?: AbortSignal | undefined;
}

async function request<T>(method: string, path: string, options: Options<T>): Promise<T> {
  const { body, schema, query = {}, signal } = options;
  const deadline = AbortSignal.timeout(DEADLINE);
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": language() };
  if (method !== "GET") headers["X-Gorizont"] = "1"; // a foreign page can't send it: see the server's CSRF check
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(ROOT + path + queryString(query), {
      method,
      headers,
      credentials: "same-origin",
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, deadline.aborted ? "timeout" : "offline", String(error));
  }
  if (!response.ok) {
    const error = await failure(response);
    if (error.code === "not-signed-in") onSignedOut();
    throw error;
  }
  if (!schema || response.status === 204) return undefined as T;
  const parsed = schema.safeParse(await response.json().catch(() => null));
  if (!parsed.success) {
    console.error(`${method} ${path}: the answer has another shape`, parsed.error.issues);
    throw new ApiError(response.status, "unexpected", parsed.error.message);
  }
  return parsed.data;
}

async function failure(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const body = (await response.json().catch(() => null)) as { error?: Record<string, unknown> } | null;
  const { code = "unexpected", message = response.statusText, details = null } = body?.error ?? {};
  return new ApiError(response.status, String(code), String(message), details, retryAfter);
}

function queryString(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}
