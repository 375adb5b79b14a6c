/** Everybody in the directory, with presence. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { getPeople, getPerson, setFavourite } from "@/api/people";
import type { Person, Presence } from "@/api/schemas";
import { assertNever } from "@/ui/assert_never";

const SPREAD = 2_000; // ms in which all pages that hear of a change ask for it: not all of them at once
const FEW = 10; // people who are asked for one by one

export type PeopleState = ReadonlyMap<string, Person>;

export type PeopleEvent =
  | { type: "loaded"; people: readonly Person[] }
  | { type: "fetched"; person: Person }
  | { type: "presence"; people: readonly { number: string; presence: Presence; since: string }[] }
  | { type: "favourite"; number: string; favourite: boolean };

export function reducePeople(state: PeopleState, event: PeopleEvent): PeopleState {
  switch (event.type) {
    case "loaded":
      return new Map(event.people.map((person) => [person.number, person]));
    case "fetched":
      return changed(state, [[event.person.number, event.person]]);
    case "presence":
      return changed(
        state,
        event.people.map((one) => [one.number, { presence: one.presence, presence_since: one.since }]),
      );
    case "favourite":
      return changed(state, [[event.number, { favourite: event.favourite }]]);
    default:
      return assertNever(event);
  }
}

/** The people after these changes, those of strangers left out; the same value where there is none. */
function changed(state: PeopleState, changes: readonly [string, Partial<Person>][]): PeopleState {
  const known = changes.flatMap(([number, change]) => {
    const person = state.get(number);
    return person ? [[number, { ...person, ...change }] as const] : [];
  });
  return known.length ? new Map([...state, ...known]) : state;
}

export const usePeople = defineStore("people", () => {
  const state = shallowRef<PeopleState>(new Map());
  const isLoaded = ref(false);
  const error = shallowRef<unknown>(null);
  const all = computed(() => [...state.value.values()]);

  let isLoading = false;
  let turn = 0; // of loading: an answer that comes too late is dropped
  let meanwhile: PeopleEvent[] = []; // what was told since all were asked for: it is newer than the answer

  function apply(event: PeopleEvent): void {
    state.value = reducePeople(state.value, event);
    if (isLoading) meanwhile.push(event);
  }

  async function load(): Promise<void> {
    const mine = ++turn;
    isLoading = true;
    meanwhile = [];
    try {
      const people: Person[] = [];
      let next: string | null = null;
      do {
        const page: { items: Person[]; next: string | null } = await getPeople("", next);
        people.push(...page.items);
        next = page.next;
      } while (next && mine === turn);
      if (mine !== turn) return;
      state.value = meanwhile.reduce(reducePeople, reducePeople(state.value, { type: "loaded", people }));
      isLoaded.value = true;
      error.value = null;
    } catch (reason) {
      if (mine === turn) error.value = reason;
    } finally {
      if (mine === turn) isLoading = false;
    }
  }

  const stale = new Set<string>();
  let isAllStale = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** The entries of these numbers have changed, all if there are none: they are fetched again in a moment. */
  function expire(numbers: readonly string[]): void {
    for (const number of numbers) stale.add(number);
    isAllStale ||= !numbers.length;
    timer ??= setTimeout(() => void refetch(), Math.random() * SPREAD);
  }

  async function refetch(): Promise<void> {
    const numbers = [...stale];
    const isFew = !isAllStale && numbers.length <= FEW;
    forgetStale();
    const known = numbers.map((number) => state.value.get(number));
    const found = isFew ? await Promise.all(numbers.map((number) => getPerson(number).catch(() => null))) : [];
    // Those who came, went or have another name change the order of all.
    if (!isFew || found.some((one, place) => one?.name !== known[place]?.name)) return load();
    for (const one of found) if (one) apply({ type: "fetched", person: one });
  }

  function forgetStale(): void {
    clearTimeout(timer);
    timer = undefined;
    stale.clear();
    isAllStale = false;
  }

  const person = (number: string): Person | undefined => state.value.get(number);
  /** The name of a number, or the number. */
  const nameOf = (number: string | null | undefined): string =>
    number ? state.value.get(number)?.name || number : "";

  async function favour(number: string, favourite: boolean): Promise<void> {
    apply({ type: "favourite", number, favourite });
    try {
      await setFavourite(number, favourite);
    } catch (reason) {
      apply({ type: "favourite", number, favourite: !favourite });
      throw reason;
    }
  }

  function clear(): void {
    turn++;
    isLoading = false;
    error.value = null;
    forgetStale();
    state.value = new Map();
    isLoaded.value = false;
  }

  return { state, all, isLoaded, error, apply, load, expire, person, nameOf, favour, clear };
});
