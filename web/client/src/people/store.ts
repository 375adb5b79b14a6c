/** Everybody in the directory, with presence. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { getPeople, setFavourite } from "@/api/people";
import type { Person, Presence } from "@/api/schemas";
import { assertNever } from "@/ui/assert_never";

export type PeopleState = ReadonlyMap<string, Person>;

export type PeopleEvent =
  | { type: "loaded"; people: readonly Person[] }
  | { type: "presence"; number: string; presence: Presence; since?: string | null | undefined }
  | { type: "favourite"; number: string; favourite: boolean };

export function reducePeople(state: PeopleState, event: PeopleEvent): PeopleState {
  switch (event.type) {
    case "loaded":
      return new Map(event.people.map((person) => [person.number, person]));
    case "presence":
      return changed(state, event.number, { presence: event.presence, presence_since: event.since ?? null });
    case "favourite":
      return changed(state, event.number, { favourite: event.favourite });
    default:
      return assertNever(event);
  }
}

function changed(state: PeopleState, number: string, change: Partial<Person>): PeopleState {
  const person = state.get(number);
  return person ? new Map(state).set(number, { ...person, ...change }) : state;
}

export const usePeople = defineStore("people", () => {
  const state = shallowRef<PeopleState>(new Map());
  const isLoaded = ref(false);
  const error = shallowRef<unknown>(null);
  const all = computed(() => [...state.value.values()]);

  function apply(event: PeopleEvent): void {
    state.value = reducePeople(state.value, event);
  }

  async function load(): Promise<void> {
    try {
      const people: Person[] = [];
      let next: string | null = null;
      do {
        const page: { items: Person[]; next: string | null } = await getPeople("", next);
        people.push(...page.items);
        next = page.next;
      } while (next);
      apply({ type: "loaded", people });
      isLoaded.value = true;
      error.value = null;
    } catch (reason) {
      error.value = reason;
    }
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
    state.value = new Map();
    isLoaded.value = false;
  }

  return { state, all, isLoaded, error, apply, load, person, nameOf, favour, clear };
});
