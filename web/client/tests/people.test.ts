import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { getPeople, getPerson } from "@/api/people";
import type { Person } from "@/api/schemas";
import { person as personSchema } from "@/api/schemas";
import { type PeopleState, reducePeople, usePeople } from "@/people/store";

vi.mock("@/api/people", () => ({ getPeople: vi.fn(), getPerson: vi.fn(), setFavourite: vi.fn() }));

const person = (number: string): Person => personSchema.parse({ number, name: `Person ${number}` });

const office: PeopleState = reducePeople(new Map(), { type: "loaded", people: ["101", "102", "103"].map(person) });

describe("presence", () => {
  it("changes of all who are told of, and of nobody else", () => {
    const since = "2026-12-01T16:30:00.000Z";
    const state = reducePeople(office, {
      type: "presence",
      people: [
        { number: "103", presence: "on-the-phone", since },
        { number: "101", presence: "away", since },
      ],
    });
    expect([...state.values()].map((one) => [one.number, one.presence])).toEqual([
      ["101", "away"],
      ["102", "offline"],
      ["103", "on-the-phone"],
    ]);
    expect(state.get("101")?.presence_since).toBe(since);
    expect(state.get("102")).toBe(office.get("102"));
  });

  it("of strangers changes nothing", () => {
    const people = [{ number: "999", presence: "available", since: "2026-12-01T16:30:00.000Z" }] as const;
    expect(reducePeople(office, { type: "presence", people })).toBe(office);
  });
});

describe("a favourite", () => {
  it("is one without losing what else is known", () => {
    const state = reducePeople(office, { type: "favourite", number: "102", favourite: true });
    expect(state.get("102")).toEqual({ ...person("102"), favourite: true });
  });
});

describe("a change of the directory", () => {
  const all = ["101", "102", "103"].map(person);

  beforeEach(async () => {
    vi.useFakeTimers();
    setActivePinia(createPinia());
    vi.mocked(getPeople).mockResolvedValue({ items: all, next: null });
    vi.mocked(getPerson).mockImplementation(async (number) => ({ ...person(number), status: "at lunch" }));
    await usePeople().load();
    vi.mocked(getPeople).mockClear();
  });

  afterEach(() => {
    vi.clearAllMocks();
    vi.useRealTimers();
  });

  it("is asked for once after a moment, of those who changed alone", async () => {
    const people = usePeople();
    people.expire(["102"]);
    people.expire(["102", "103"]);
    expect(getPerson).not.toHaveBeenCalled();
    await vi.runAllTimersAsync();
    expect(vi.mocked(getPerson).mock.calls).toEqual([["102"], ["103"]]);
    expect(getPeople).not.toHaveBeenCalled();
    expect(people.all.map((one) => one.status ?? null)).toEqual([null, "at lunch", "at lunch"]);
  });

  it.each([
    ["somebody came", ["104"]],
    ["nobody is named", []],
    ["many are named", Array.from({ length: 11 }, (_, place) => String(200 + place))],
  ])("is asked for whole where %s", async (_, numbers) => {
    usePeople().expire(numbers);
    await vi.runAllTimersAsync();
    expect(getPeople).toHaveBeenCalledTimes(1);
  });

  it("is asked for whole where somebody is gone", async () => {
    vi.mocked(getPerson).mockRejectedValue(new Error("no such person"));
    usePeople().expire(["102"]);
    await vi.runAllTimersAsync();
    expect(getPeople).toHaveBeenCalledTimes(1);
  });

  it("is not asked for once the page has signed out", async () => {
    usePeople().expire(["102"]);
    usePeople().clear();
    await vi.runAllTimersAsync();
    expect(getPerson).not.toHaveBeenCalled();
  });
});
