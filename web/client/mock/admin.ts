/** The admin's routes of the mock. */
import { ago, devices, fail404, newDevice, NoContent, type Route, type World } from "./api.ts";

const list = (items: readonly unknown[], next: unknown = null) => ({ items, next });
const some = (world: World, items: readonly unknown[]) => list(world.isEmpty ? [] : items);
const user = (one: { number: string; name: string; role: string; devices_online: number }) => ({
  number: one.number, name: one.name, role: one.role, employee_id: `E-${one.number}`, devices: 2, devices_online: one.devices_online, can_sign_in: true,
  forwarding: Number(one.number) % 3, created_at: ago(90_000), version: 1,
});

export const adminRoutes: Route[] = [
  ["GET", /^\/admin\/overview$/, (_, __, world) => ({
    users: world.isEmpty ? 1 : 240, devices: world.isEmpty ? 0 : 412, registered: world.isEmpty ? 0 : 367, live_calls: world.isEmpty ? 0 : 14, calls_today: world.isEmpty ? 0 : 1284,
    missed_today: world.isEmpty ? 0 : 63, blocks: world.isEmpty ? 0 : 2, browsers: world.isEmpty ? 1 : 131, version: "0.1.0", domain: "office.test", warnings: [],
    processes: ["engine", "media 0", "media 1", "web", "worker"].map((name) => ({ name, state: "running", since: ago(6000) })),
    listens: [{ name: "SIP, UDP and TCP", address: "10.0.0.5:5060" }, { name: "SIP, TLS", address: "10.0.0.5:5061" }, { name: "Web", address: "https://gorizont.office.test:8443" }],
    disk: { used: 18_400_000_000, free: 131_000_000_000 },
  })],
  ["GET", /^\/admin\/users$/, ({ query }, _, world) => {
    const q = (query.get("q") ?? "").toLowerCase();
    const all = (world.isEmpty ? world.office.people.slice(0, 1) : world.office.people).filter((one) => !q || one.name.toLowerCase().includes(q) || one.number.includes(q));
    const from = Number(query.get("before") ?? 0);
    return list(all.slice(from, from + 100).map(user), from + 100 < all.length ? from + 100 : null);
  }],
  ["POST", /^\/admin\/users$/, ({ body }) => ({ ...user({ number: String(body["number"]), name: String(body["name"]), role: String(body["role"]), devices_online: 0 }), ...body, password: "amber-kettle-71", sip_name: body["number"], sip_password: "tulip-marble-29-orbit" })],
  ["POST", /^\/admin\/users\/import$/, ({ body }) => {
    const rows = String(body["csv"]).split("\n").slice(1).filter(Boolean);
    return {
      added: rows.map((row) => row.split(",")[0]), changed: [], unchanged: [], errors: rows.flatMap((row, index) => (/^[\d*]/.test(row) ? [] : [{ line: index + 2, message: "a number is missing" }])),
      passwords: body["dry_run"] ? {} : Object.fromEntries(rows.map((row) => [row.split(",")[0], "amber-kettle-71"])),
    };
  }],
  ["GET", /^\/admin\/users\/([^/]+)$/, (_, [number], world) => user(world.office.people.find((one) => one.number === number) ?? fail404())],
  ["PATCH", /^\/admin\/users\/([^/]+)$/, ({ body }, [number], world) => user(Object.assign(world.office.people.find((one) => one.number === number) ?? fail404(), body))],
  ["DELETE", /^\/admin\/users\/([^/]+)$/, () => new NoContent()],
  ["POST", /^\/admin\/users\/([^/]+)\/password$/, () => ({ password: "amber-kettle-71" })],
  ["GET", /^\/admin\/devices$/, ({ query }) => list(devices().map((one) => ({ ...one, number: query.get("number") })))],
  ["POST", /^\/admin\/devices$/, ({ body }) => newDevice(body["label"])],
  ["DELETE", /^\/admin\/devices\//, () => new NoContent()],
  ["GET", /^\/admin\/groups$/, (_, __, world) => some(world, [
    { number: "600", members: ["102", "103", "104", "109", "110"], strategy: "all", version: 3 }, { number: "601", members: ["107", "108"], strategy: "in-turn", version: 1 },
  ])],
  ["PUT", /^\/admin\/groups\/([^/]+)$/, ({ body }, [number]) => ({ number, ...body, version: 2 })],
  ["DELETE", /^\/admin\/groups\//, () => new NoContent()],
  ["GET", /^\/admin\/registrations$/, ({ query }, _, world) => some(world, world.office.people.filter((one) => one.devices_online && (!query.get("q") || one.name.toLowerCase().includes(query.get("q")!.toLowerCase()))).slice(0, 120).map((one, index) => ({
    number: one.number, name: one.name, sip_name: index % 4 ? one.number : `${one.number}-web-7c`, contact: `sip:${one.number}@10.0.4.${index}`, transport: index % 4 ? "udp" : "wss",
    address: `10.0.4.${index % 250}:${5060 + index}`, user_agent: index % 4 ? "Yealink SIP-T54W 96.86.0.70" : "Gorizont browser", registered_at: ago(index * 3), expires_at: ago(-50 + index % 40), reachable: index % 9 !== 5,
  })))],
  ["GET", /^\/admin\/calls\/live$/, (_, __, world) => some(world, world.office.people.slice(2, 16).map((one, index) => ({
    id: `L${index}`, caller: { number: one.number, name: one.name }, callee: { number: world.office.people[30 + index]!.number, name: world.office.people[30 + index]!.name },
    state: index % 5 === 3 ? "ringing" : index % 6 === 4 ? "held" : "talking", started_at: ago(index * 2 + 1), answered_at: index % 5 === 3 ? null : ago(index * 2 + 0.8),
  })))],
  ["DELETE", /^\/admin\/calls\/live\//, () => new NoContent()],
  ["GET", /^\/admin\/calls$/, ({ query }, _, world) => {
    const all = world.isEmpty ? [] : world.office.calls.filter((one) => !query.get("outcome") || one.outcome === query.get("outcome"));
    return list(all.map((one) => ({ ...one, caller: one.direction === "in" ? one.other.number : world.me, caller_name: null, explanation: [] })));
  }],
  ["GET", /^\/admin\/blocks$/, (_, __, world) => some(world, [
    { what: "203.0.113.44", account: null, reason: "31 wrong passwords for 9 accounts in 2 minutes", since: ago(12), until: ago(-48), attempts: 31 }, { what: "118@198.51.100.7", account: "118", reason: "6 wrong passwords", since: ago(3), until: ago(-2), attempts: 6 },
  ])],
  ["DELETE", /^\/admin\/blocks\//, () => new NoContent()],
  ["GET", /^\/admin\/retention$/, () => ({ messages_days: 1095, files_days: 365, calls_days: null })],
  ["PUT", /^\/admin\/retention$/, ({ body }) => body],
  ["POST", /^\/admin\/retention\/preview$/, ({ body }) => ({ messages: body["messages_days"] === null ? 0 : 18_234, files: 412, calls: body["calls_days"] === null ? 0 : 5120 })],
  ["GET", /^\/admin\/retention\/holds$/, (_, __, world) => some(world, [
    { number: "105", name: world.office.people.find((one) => one.number === "105")?.name, reason: "Case 7/2026, Meyer against the city", set_at: ago(90_000), set_by: "101", messages: 12_840, kept: 17 },
    { number: "131", name: "", reason: "Tax audit 2025", set_at: ago(400_000), set_by: "101", messages: 311, kept: 0 },
  ])],
  ["PUT", /^\/admin\/retention\/holds\/([^/]+)$/, ({ body }, [number], world) => ({ number, name: world.office.people.find((one) => one.number === number)?.name, reason: body["reason"], set_at: ago(0), set_by: world.me, messages: 120, kept: 0 })],
  ["DELETE", /^\/admin\/retention\/holds\//, () => new NoContent()],
  ["GET", /^\/admin\/audit$/, (_, __, world) => some(world, Array.from({ length: 60 }, (_x, index) => [
    { id: index, at: ago(index * 40), actor: "101", action: "user.changed", subject: "118", before: { name: "Ulyana", role: "user" }, after: { name: "Ulyana Pavlova", role: "user" } },
    { id: index, at: ago(index * 40), actor: "104", action: "forwarding.set", subject: "104", before: null, after: { kind: "no-answer", targets: ["102"], after: 15 } },
    { id: index, at: ago(index * 40), actor: "admin", action: "group.removed", subject: "602", before: { members: ["101", "102"], strategy: "all" }, after: null },
  ][index % 3]))],
  ["POST", /^\/admin\/simulate$/, ({ body }) => ({ plan: [`1  rings ${String(body["dialled"])} for 20 s, because ${String(body["dialled"])} was dialled`, "   - rule 'time' 18:00-09:00 mon-fri (version 3) did not hold on Thursday at 12:02", `2  ${String(body["dialled"])} answered`], lines: [], warnings: [] })],
];
