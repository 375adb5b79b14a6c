/**
 * A server that isn't one, for `npm run dev` and for the pictures of the pages: the API's shapes with invented data.
 * Who signs in decides the mode: any number: full; `empty`: a new office; `broken`: everything fails after sign-in.
 */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";

import { Server as SocketServer } from "socket.io";
import type { Plugin } from "vite";

import { answer, type Asked, NoContent, Refused } from "./api.ts";

export function mockServer(): Plugin {
  const attach = (middlewares: { use: (handler: Handler) => unknown }, server: HttpServer | null): void => {
    const sockets = new SocketServer({ path: "/socket.io", transports: ["websocket"], serveClient: false });
    if (server) sockets.attach(server);
    sockets.on("connection", (socket) => {
      socket.emit("event", { type: "connected", seq: null, data: { seq: 0 } });
      socket.on("typing", () => undefined);
    });
    middlewares.use((request, response, next) => void handle(request, response, next, (event) => sockets.emit("event", event)));
  };
  return {
    name: "mock-server",
    configureServer: (server) => attach(server.middlewares, server.httpServer as HttpServer | null),
    configurePreviewServer: (server) => attach(server.middlewares, server.httpServer as HttpServer),
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

async function handle(request: IncomingMessage, response: ServerResponse, next: () => void, emit: (event: unknown) => void): Promise<void> {
  const url = new URL(request.url ?? "/", "http://mock");
  if (!url.pathname.startsWith("/api/v1")) return next();
  const cookie = /mock=([^;]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
  const asked: Asked = {
    method: request.method ?? "GET",
    path: url.pathname.replace("/api/v1", ""),
    query: url.searchParams,
    body: await body(request),
    user: cookie,
    language: request.headers["accept-language"] ?? "en",
    headers: request.headers as Record<string, string>,
    emit,
    set: (name, value) => response.setHeader(name, value),
  };
  try {
    const result = answer(asked);
    if (result instanceof NoContent) {
      response.statusCode = result.status;
      response.end();
    } else if (typeof result === "string") {
      response.setHeader("Content-Type", "image/svg+xml");
      response.end(result);
    } else {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(result));
    }
  } catch (error) {
    const [status, code, message] = error instanceof Refused ? [error.status, error.code, error.message] : [500, "internal", String(error)];
    response.statusCode = status;
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ error: { code, message, details: null } }));
  }
}

async function body(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (!request.headers["content-type"]?.includes("application/json")) return { octets: Buffer.concat(chunks).length };
  return JSON.parse(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>;
}
