/** The history of my calls and the calls that I have now, on any of my devices. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { getCalls, getLiveCalls, markCallsSeen } from "@/api/people";
import type { CallRecord, LiveCall } from "@/api/schemas";
import { assertNever } from "@/ui/assert_never";

const MOST = 100; // calls that are kept here; the page of calls asks for more

export interface CallsState {
  recent: readonly CallRecord[]; // newest first
  live: readonly LiveCall[];
}

export type CallsEvent =
  | { type: "loaded"; recent: readonly CallRecord[]; live: readonly LiveCall[] }
  | { type: "recorded"; call: CallRecord }
  | { type: "live"; call: LiveCall }
  | { type: "seen" };

export function reduceCalls(state: CallsState, event: CallsEvent): CallsState {
  switch (event.type) {
    case "loaded":
      return { recent: event.recent, live: event.live.filter((call) => call.state !== "ended") };
    case "recorded":
      return {
        recent: [event.call, ...state.recent.filter((call) => call.id !== event.call.id)].slice(0, MOST),
        live: state.live.filter((call) => call.id !== event.call.id),
      };
    case "live": {
      const others = state.live.filter((call) => call.id !== event.call.id);
      return { ...state, live: event.call.state === "ended" ? others : [...others, event.call] };
    }
    case "seen":
      return { ...state, recent: state.recent.map((call) => ({ ...call, seen: true })) };
    default:
      return assertNever(event);
  }
}

export const useCalls = defineStore("calls", () => {
  const state = shallowRef<CallsState>({ recent: [], live: [] });
  const isLoaded = ref(false);
  const revision = ref(0); // grows with every change of the history
  const missed = computed(() => state.value.recent.filter((call) => call.missed && !call.seen).length);
  /** Calls on my other devices, which this browser can take over. */
  const elsewhere = computed(() =>
    state.value.live.filter((call) => call.device && !call.device.browser && call.answered_at),
  );

  let changes = 0; // of what was fetched
  let turn = 0; // of fetching: an answer that comes too late is dropped

  function apply(event: CallsEvent): void {
    state.value = reduceCalls(state.value, event);
    if (event.type !== "loaded") changes++;
    if (event.type === "recorded") revision.value++;
  }

  async function refresh(): Promise<void> {
    const mine = ++turn;
    const before = changes;
    try {
      const [history, live] = await Promise.all([getCalls({}), getLiveCalls()]);
      if (mine !== turn) return;
      if (changes !== before) return await refresh(); // a call that has ended meanwhile would live for ever
      apply({ type: "loaded", recent: history.items, live: live.items });
      isLoaded.value = true;
      revision.value++;
    } catch {
      // The page of calls fetches for itself and says so; here only the badge would be late.
    }
  }

  async function seen(): Promise<void> {
    if (missed.value === 0) return;
    apply({ type: "seen" });
    await markCallsSeen().catch(() => undefined);
  }

  function clear(): void {
    turn++;
    state.value = { recent: [], live: [] };
    isLoaded.value = false;
  }

  return { state, isLoaded, revision, missed, elsewhere, apply, refresh, seen, clear };
});
