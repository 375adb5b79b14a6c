/** The routes of the mock, one table. */
import { makeOffice, type Office } from "./data.ts";
import { adminRoutes } from "./admin.ts";
import { explanation, simulated } from "./lines.ts";

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  user: string;
  language: string;
  headers: Record<string, string>;
  emit: (event: unknown) => void;
  set: (name: string, value: string) => void;
}

export class Refused extends Error {
  status: number;
  code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class NoContent {
  status: number;

  constructor(status = 204) {
    this.status = status;
  }
}

export type Route = [method: string, path: RegExp, handler: (asked: Asked, ids: string[], world: World) => unknown];

export interface World {
  me: string;
  isEmpty: boolean;
  office: Office;
  forwarding: { version: number; rules: Record<string, unknown>[]; ring_seconds: number; changed_at: string; changed_by: string };
  profile: Record<string, unknown>;
}

const worlds = new Map<string, World>();
const MINUTE = 60_000;
export const ago = (minutes: number): string => new Date(Date.now() - minutes * MINUTE).toISOString();

function worldOf(user: string): World {
  const known = worlds.get(user);
  if (known) return known;
  const isEmpty = user === "empty";
  const me = /^\d+$/.test(user) ? user : "101";
  const office = makeOffice(me);
  const world: World = {
    me,
    isEmpty,
    office,
    forwarding: {
      version: 7,
      rules: isEmpty
        ? []
        : [
            { id: 1, kind: "no-answer", targets: ["105"], after: 20, version: 7 },
            { id: 2, kind: "busy", targets: ["102"], version: 2 },
            { id: 3, kind: "time", targets: ["107", "108"], start: "18:00", end: "09:00", days: [0, 1, 2, 3, 4], version: 3 },
          ],
      ring_seconds: 20,
      changed_at: ago(3),
      changed_by: me,
    },
    profile: { number: me, name: office.nameOf(me), role: "admin", language: null, theme: null, status: "", has_phone: true },
  };
  worlds.set(user, world);
  return world;
}

const list = (items: readonly unknown[], next: unknown = null) => ({ items, next });
const some = (world: World, items: readonly unknown[]) => list(world.isEmpty ? [] : items);

const QR = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 21 21" shape-rendering="crispEdges"><path d="M0 0h7v7H0zM14 0h7v7h-7zM0 14h7v7H0zM9 1h1v3H9zM11 2h2v2h-2zM8 8h3v2H8zM12 9h2v4h-2zM16 9h4v1h-4zM9 12h2v5H9zM13 15h3v2h-3zM17 13h2v6h-2zM11 18h4v2h-4zM2 9h4v2H2z"/><path fill="#fff" d="M1 1h5v5H1zM15 1h5v5h-5zM1 15h5v5H1z"/><path d="M2 2h3v3H2zM16 2h3v3h-3zM2 16h3v3H2z"/></svg>`;
const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 400"><rect width="640" height="400" fill="#dfe9e6"/><g fill="none" stroke="#37635f" stroke-width="5"><path d="M40 40h560v320H40zM40 210h180v150M220 210V40M420 40v190h180M420 290v70"/></g><g fill="#37635f" opacity=".35"><path d="M70 240h90v60H70zM270 90h90v40h-90zM270 160h90v40h-90zM270 230h90v40h-90zM460 270h110v50H460z"/></g></svg>`;

export const newDevice = (label: unknown) => ({
  sip_name: "101-3f2a", sip_password: "tulip-marble-29-orbit", label, uri: "sip:101@office.test",
  domain: "office.test",
  servers: [{ transport: "udp", host: "10.0.0.5", port: 5060 }, { transport: "tcp", host: "10.0.0.5", port: 5060 }, { transport: "tls", host: "10.0.0.5", port: 5061 }],
  linphone: { url: "https://gorizont.office.test:8443/api/v1/provisioning/q7Jr3m0ZkXn2vTqv5aYB1cLw8uEo", qr_svg: QR, until: ago(-10), own_authority: true },
});
export const devices = () => [
  { sip_name: "101", label: "Desk phone T54W", online: true, registered_at: ago(2900), last_seen: ago(1), user_agent: "Yealink SIP-T54W 96.86.0.70", address: "10.0.4.7", transport: "TLS", created_at: ago(90_000) },
  { sip_name: "101-b", label: "Linphone on my mobile", online: false, last_seen: ago(190), user_agent: "LinphoneAndroid/5.2 (Pixel 9)", address: "10.0.9.31", transport: "UDP", created_at: ago(20_000) },
  { sip_name: "101-c", label: "Conference room", online: false, last_seen: null, user_agent: null, created_at: ago(400) },
];

const routes: Route[] = [
  ["POST", /^\/session$/, ({ body, set }) => {
    if (body["password"] === "wrong") throw new Refused(401, "invalid", "wrong");
    if (body["password"] === "one-time" && !body["new_password"]) throw new Refused(403, "new-password-needed", "choose a password");
    set("Set-Cookie", `mock=${String(body["user"])}; Path=/; SameSite=Strict`);
    return {};
  }],
  ["DELETE", /^\/session$/, ({ set }) => (set("Set-Cookie", "mock=; Path=/; Max-Age=0"), new NoContent())],
  ["GET", /^\/start$/, (_, __, world) => ({
    user: world.profile, server: { name: "Office", domain: "office.test", version: "0.1.0" }, seq: world.office.lastSeq(), features: { video: true }, ice: {},
    sip: { uri: `sip:${world.me}@office.test`, username: `${world.me}-web-1`, password: "x", realm: "office.test", path: "/sip", expires_at: ago(-60) },
  })],
  ["GET", /^\/start\/sip$/, (_, __, world) => ({ uri: `sip:${world.me}@office.test`, username: "x", password: "x", realm: null, path: "/sip", expires_at: ago(-60) })],
  ["GET", /^\/people$/, (_, __, world) => list(world.isEmpty ? world.office.people.slice(0, 1) : world.office.people)],
  ["GET", /^\/people\/([^/]+)$/, (_, [number], world) => world.office.people.find((one) => one.number === number) ?? fail404()],
  ["PUT", /^\/people\/[^/]+\/favourite$/, () => new NoContent()],
  ["DELETE", /^\/people\/[^/]+\/favourite$/, () => new NoContent()],
  ["PATCH", /^\/me$/, ({ body }, _, world) => Object.assign(world.profile, body)],
  ["PUT", /^\/me\/password$/, ({ body }) => {
    if (body["old"] === "wrong") throw new Refused(403, "wrong-password", "wrong");
    return new NoContent();
  }],
  ["GET", /^\/me\/devices$/, (_, __, world) => some(world, devices())],
  ["POST", /^\/me\/devices$/, ({ body }) => newDevice(body["label"])],
  ["DELETE", /^\/me\/devices\//, () => new NoContent()],
  ["GET", /^\/me\/sessions$/, () => list([
    { id: 1, created_at: ago(300), last_seen: ago(0), address: "10.0.4.17", user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36", current: true },
    { id: 2, created_at: ago(9000), last_seen: ago(2000), address: "10.0.7.2", user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) AppleWebKit/605 Version/20.0 Mobile Safari/604.1", current: false },
  ])],
  ["DELETE", /^\/me\/sessions\//, () => new NoContent()],
  ["GET", /^\/me\/calls$/, ({ query }, _, world) => {
    const filter = query.get("filter");
    const other = query.get("with");
    const all = world.isEmpty ? [] : world.office.calls.filter((one) => (!filter || (filter === "missed" ? one.missed : one.direction === filter)) && (!other || one.other.number === other));
    const from = Number(query.get("before") ?? 0);
    return list(all.slice(from, from + 50), from + 50 < all.length ? from + 50 : null);
  }],
  ["GET", /^\/me\/calls\/live$/, (_, __, world) => list(world.isEmpty || world.me !== "101" ? [] : [
    { id: "L1", direction: "in", other: { number: "104", name: null }, state: "talking", started_at: ago(3), answered_at: ago(2.6), device: { sip_name: "101", label: "Desk phone T54W", browser: false } },
  ])],
  ["PUT", /^\/me\/calls\/seen$/, () => new NoContent()],
  ["POST", /^\/me\/calls\/[^/]+\/pull$/, () => new NoContent()],
  ["GET", /^\/calls\/([^/]+)$/, (_, [id], world) => {
    const one = world.office.calls.find((call) => call.id === id) ?? world.office.calls[0]!;
    const caller = one.direction === "in" ? one.other.number : world.me;
    return { ...one, caller, caller_name: world.office.nameOf(caller), answered_by: "105", explanation: explanation(world.me), statistics: { mos: 4.4, loss: 0.001, jitter_ms: 3.1 } };
  }],
  ["GET", /^\/(me|admin\/users\/[^/]+)\/forwarding$/, (_, __, world) => world.forwarding],
  ["PUT", /^\/(me|admin\/users\/[^/]+)\/forwarding$/, ({ body }, _, world) => {
    if (body["version"] !== world.forwarding.version) throw new Refused(409, "conflict", "changed meanwhile");
    world.forwarding = { version: world.forwarding.version + 1, rules: body["rules"] as never, ring_seconds: 20, changed_at: ago(0), changed_by: world.me };
    return world.forwarding;
  }],
  ["POST", /^\/(me|admin\/users\/[^/]+)\/forwarding\/simulate$/, ({ body, language }, _, world) => simulated(world.me, body["rules"] as never, (body["states"] ?? {}) as never, language)],
  ["GET", /^\/(me|admin\/users\/[^/]+)\/forwarding\/history$/, (_, __, world) => some(world, [
    { at: ago(3), actor: "101", action: "forwarding.set", after: { kind: "no-answer" } }, { at: ago(3000), actor: "102", action: "forwarding.cleared", before: { kind: "always" } },
  ])],
  ["GET", /^\/conversations$/, (_, __, world) => some(world, world.office.conversations)],
  ["POST", /^\/conversations$/, ({ body }, _, world) => {
    const members = [world.me, ...(body["members"] as string[])];
    const one = { id: world.office.conversations.length + 1, kind: body["kind"] as "direct", title: (body["title"] as string) ?? null, members, created_at: ago(0), last: null, unread: 0, read_seq: 0, reads: {}, muted: false, owners: [world.me], seq: world.office.nextSeq() };
    world.office.conversations.push(one);
    world.office.messages.set(one.id, []);
    return one;
  }],
  ["GET", /^\/conversations\/(\d+)$/, (_, [id], world) => world.office.conversations.find((one) => one.id === Number(id)) ?? fail404()],
  ["PATCH", /^\/conversations\/(\d+)$/, ({ body }, [id], world) => Object.assign(world.office.conversations.find((one) => one.id === Number(id)) ?? {}, body)],
  ["GET", /^\/conversations\/(\d+)\/messages$/, ({ query }, [id], world) => {
    const all = world.office.messages.get(Number(id)) ?? fail404();
    const before = Number(query.get("before") ?? Infinity);
    return list(all.filter((one) => one.seq < before).slice(-Number(query.get("limit") ?? 50)));
  }],
  ["POST", /^\/conversations\/(\d+)\/messages$/, ({ body, emit }, [id], world) => {
    if (body["text"] === "/fail") throw new Refused(422, "too-long", "The message is too long.");
    const message = {
      id: Date.now(), conversation: Number(id), seq: world.office.nextSeq(), changed_seq: world.office.lastSeq(), silent: false, system: null, client_id: body["client_id"] as string, author: world.me, kind: "text" as const, text: body["text"] as string,
      attachments: [], reply_to: (body["reply_to"] as number) ?? null, created_at: ago(0), edited_at: null, deleted_at: null,
    };
    world.office.messages.get(Number(id))?.push(message);
    emit({ type: "message.sent", seq: message.seq, data: { message } });
    return message;
  }],
  ["PATCH", /^\/messages\/(\d+)$/, ({ body }, [id], world) => Object.assign([...world.office.messages.values()].flat().find((one) => one.id === Number(id)) ?? {}, body)],
  ["DELETE", /^\/messages\/(\d+)$/, (_, [id], world) => Object.assign([...world.office.messages.values()].flat().find((one) => one.id === Number(id)) ?? {}, { text: "", attachments: [], deleted_at: ago(0) })],
  ["PUT", /^\/conversations\/(\d+)\/read$/, () => new NoContent()],
  ["GET", /^\/sync$/, (_, __, world) => ({ seq: world.office.lastSeq(), conversations: [], removed: [], messages: [], reads: [], reset: false })],
  ["GET", /^\/search$/, ({ query }, _, world) => ({
    items: [...world.office.messages.values()].flat().filter((one) => one.text.toLowerCase().includes((query.get("q") ?? "").toLowerCase())).slice(-8),
  })],
  ["GET", /^\/attachments\//, () => PICTURE],
  ["POST", /^\/uploads$/, ({ headers, set }) => (set("Location", `/api/v1/uploads/u${Date.now()}-${headers["upload-length"]}`), set("Tus-Resumable", "1.0.0"), new NoContent(201))],
  ["HEAD", /^\/uploads\//, ({ set, path }) => (set("Upload-Offset", "0"), set("Upload-Length", path.split("-")[1] ?? "0"), set("Tus-Resumable", "1.0.0"), new NoContent(200))],
  ["PATCH", /^\/uploads\//, ({ set, body, headers }) => (set("Upload-Offset", String(Number(headers["upload-offset"]) + Number(body["octets"]))), set("Tus-Resumable", "1.0.0"), new NoContent())],
  ["DELETE", /^\/uploads\//, () => new NoContent()],
  ...adminRoutes,
];

export function fail404(): never {
  throw new Refused(404, "not-found", "There is no such thing.");
}

export function answer(asked: Asked): unknown {
  for (const [method, path, handler] of routes) {
    const match = path.exec(asked.path);
    if (!match || method !== asked.method) continue;
    if (asked.path !== "/session" && !asked.user) throw new Refused(401, "not-signed-in", "Sign in first.");
    if (asked.user === "broken" && asked.method === "GET" && asked.path !== "/start") throw new Refused(500, "internal", "the database is locked");
    return handler(asked, match.slice(1), worldOf(asked.user || "101"));
  }
  return fail404();
}
