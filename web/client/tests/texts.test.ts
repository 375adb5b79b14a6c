/** Every text that the source asks for is there, in both languages; none is there for nobody. */
import { readdirSync, readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import en from "@/i18n/en";
import ru from "@/i18n/ru";

const SOURCE = new URL("../src/", import.meta.url);

function keysOf(value: unknown, path = ""): string[] {
  if (typeof value === "string" || Array.isArray(value)) return [path];
  return Object.entries(value as object).flatMap(([key, one]) => keysOf(one, path ? `${path}.${key}` : key));
}

const source = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|vue)$/.test(name) && !name.startsWith("i18n"))
  .map((name) => readFileSync(new URL(name, SOURCE), "utf8"))
  .join("\n");

const keys = keysOf(en);
const asked = [...source.matchAll(/["'`]((?:[a-z][a-z-]*\.)+[a-z$][\w${}.?\s-]*)["'`]/g)].map((match) => match[1] ?? "");
const patterns = asked
  .filter((key) => key.includes("${"))
  .map((key) => new RegExp(`^${key.replace(/[.]/g, "\\.").replace(/\$\{.*?\}/g, ".+")}$`));

describe("texts", () => {
  it("are the same in both languages", () => {
    expect(keysOf(ru).sort()).toEqual([...keys].sort());
  });

  it("have the same values to fill in", () => {
    const text = (messages: unknown, key: string): string => String(key.split(".").reduce<unknown>((one, part) => (one as Record<string, unknown>)?.[part], messages) ?? "");
    const values = (message: string): string[] => [...new Set(message.match(/\{\w+\}/g) ?? [])].sort();
    const different = keys.filter((key) => values(text(en, key)).join() !== values(text(ru, key)).join());
    expect(different).toEqual([]);
  });

  it("that are asked for exist", () => {
    const calls = [...source.matchAll(/\b(?:t|say|translate|announce|announceAtOnce)\(\s*"([a-z][\w.-]+)"/g)].map((match) => match[1] ?? "");
    expect(calls.length).toBeGreaterThan(300);
    expect(calls.filter((key) => !keys.includes(key))).toEqual([]);
  });

  it("are all asked for", () => {
    const isAsked = (key: string): boolean => asked.includes(key) || patterns.some((pattern) => pattern.test(key));
    expect(keys.filter((key) => !isAsked(key))).toEqual([]);
  });
});
