/** The calls of this browser, for every page: state by `call_state`, sound, and what a person can do. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { pullCall } from "@/api/people";
import type { SipAccount } from "@/api/schemas";
import { renewSip } from "@/api/session";
import { router } from "@/app/router";
import { useCalls } from "@/calls/store";
import { translate } from "@/i18n";
import { usePeople } from "@/people/store";
import { type Call, type CallEvent, type Failure, isOver, newCall, type NewCall, reduceCall } from "@/phone/call_state";
import { dialled, rememberDialled } from "@/phone/dialled";
import { MediaProblem, releaseAll } from "@/phone/media";
import { Phone, type Registration } from "@/phone/phone";
import { isDialable, normalised } from "@/phone/numbers";
import * as sounds from "@/phone/sounds";
import { announceAtOnce } from "@/ui/announcer";
import { notify } from "@/ui/notify";
import { complain, toast } from "@/ui/toasts";

const SHOW_OVER = 3_500; // ms that a finished call stays, so that one sees how it ended
const SHOW_FAILURE = 9_000;
const PULLED_WITHIN = 10_000; // ms in which the call that I pulled to this browser must come

export const usePhone = defineStore("phone", () => {
  const calls = shallowRef<readonly Call[]>([]);
  const activeId = ref<string | null>(null);
  const registration = ref<Registration>("off");
  const streams = shallowRef<ReadonlyMap<string, { local: MediaStream | null; remote: MediaStream | null }>>(new Map());
  const problem = ref<Failure | null>(null); // what a dialog explains: a blocked microphone
  const lastDialled = computed(() => dialled.value);
  const notes = new Map<string, () => void>(); // of the system, for calls that come in: what closes them
  let phone: Phone | null = null;
  let pulled: { number: string | null; until: number } | null = null; // the call that comes because I asked for it

  const incoming = computed(() => calls.value.filter((call) => call.phase === "incoming"));
  const shown = computed(() => calls.value.filter((call) => call.phase !== "incoming"));
  const active = computed(
    () => shown.value.find((call) => call.id === activeId.value) ?? shown.value.find((call) => !isOver(call)) ?? shown.value.at(-1) ?? null,
  );
  const isBusy = computed(() => calls.value.some((call) => !isOver(call) && call.phase !== "incoming"));
  const isReady = computed(() => registration.value === "registered");

  async function start(account: SipAccount, name: string): Promise<void> {
    phone?.stop();
    const trouble = (failure: Failure): void => void (problem.value = failure);
    phone = new Phone({ registration: (state) => (registration.value = state), invited, happened, streams: told, trouble }, renewSip);
    await phone.start(account, name);
  }

  function stop(): void {
    phone?.stop();
    phone = null;
    for (const call of incoming.value) noteNot(call.id);
    calls.value = [];
    activeId.value = problem.value = pulled = null;
    sounds.play(null);
    releaseAll();
  }

  // ---- what the phone tells

  function invited(what: NewCall): void {
    const known = usePeople().nameOf(what.number);
    const name = known !== what.number ? known : what.name || what.number;
    calls.value = [...calls.value, newCall({ ...what, name })];
    const isPulled = pulled && Date.now() < pulled.until && (pulled.number ?? what.number) === what.number;
    if (isPulled) {
      pulled = null;
      void answer(what.id, false);
      return;
    }
    announceAtOnce("announce.incoming", { name, number: what.number });
    notes.set(what.id, notify(name, { body: what.number, tag: `gorizont-call-${what.number}`, requireInteraction: true }, () => undefined));
    ringOrNot();
  }

  function happened(id: string, event: CallEvent): void {
    const before = calls.value.find((call) => call.id === id);
    if (!before) return;
    const after = reduceCall(before, event.type === "identified" ? named(event) : event);
    if (after === before) return;
    calls.value = calls.value.map((call) => (call.id === id ? after : call));
    if (after.phase !== "incoming") noteNot(id);
    if (event.type === "accepted") {
      announceAtOnce("announce.talking", { name: after.name });
      holdOthers(id);
    }
    if (isOver(after)) ended(after);
    ringOrNot();
  }

  /** The note of the system goes with what it was for. */
  function noteNot(id: string): void {
    notes.get(id)?.();
    notes.delete(id);
  }

  function named(event: Extract<CallEvent, { type: "identified" }>): CallEvent {
    const known = usePeople().nameOf(event.number);
    return { ...event, name: known !== event.number ? known : event.name || event.number };
  }

  function ended(call: Call): void {
    const silent = call.failure === null || call.failure === "answered-elsewhere" || call.direction === "in";
    if (!silent) sounds.play(call.failure === "busy" || call.failure === "refused" ? "busy" : "failure");
    if (call.failure && isExplained(call.failure)) problem.value = call.failure;
    for (const one of calls.value) if (one.consultFor === call.id) happened(one.id, { type: "asked-about-over" });
    announceAtOnce(call.failure ? `phone.failure.${call.failure}` : "announce.over", { name: call.name });
    const back = calls.value.find((one) => one.isHeldByMe && !isOver(one));
    if (activeId.value === call.id) activeId.value = back?.id ?? call.id;
    const stays = call.direction === "in" && call.answeredAt === null ? 0 : call.failure ? SHOW_FAILURE : SHOW_OVER;
    setTimeout(() => dismiss(call.id), stays);
  }

  function told(id: string, local: MediaStream | null, remote: MediaStream | null): void {
    const next = new Map(streams.value);
    if (local || remote) next.set(id, { local, remote });
    else next.delete(id);
    streams.value = next;
  }

  function ringOrNot(): void {
    const calling = calls.value.find((call) => call.phase === "ringing");
    if (incoming.value.length) sounds.play(calls.value.some((call) => call.phase === "talking") ? "waiting" : "ring");
    else if (calling) sounds.play("ringback");
    else if (calls.value.every((call) => !isOver(call) || !call.failure)) sounds.play(null);
    else sounds.stopRinging(); // one that has failed is still told of
  }

  // ---- what a person does

  async function call(target: string, isVideo = false, consultFor: string | null = null): Promise<void> {
    const number = normalised(target);
    if (!isDialable(number)) return;
    if (!phone) {
      toast.value = { text: translate("phone.failure.network"), isError: true };
      return;
    }
    sounds.unlock();
    rememberDialled(number);
    const id = crypto.randomUUID();
    const name = usePeople().nameOf(number);
    calls.value = [...calls.value, newCall({ id, direction: "out", number, name, isVideo, at: Date.now(), consultFor })];
    activeId.value = id;
    holdOthers(id);
    try {
      await phone.call(id, number, isVideo);
    } catch (error) {
      failed(id, error);
    }
  }

  async function answer(id: string, isVideo: boolean): Promise<void> {
    if (!incoming.value.some((call) => call.id === id)) return; // it was answered already
    happened(id, { type: "answering" });
    activeId.value = id;
    try {
      await phone?.answer(id, isVideo);
    } catch (error) {
      if (error instanceof MediaProblem) {
        happened(id, { type: "not-answered" }); // my other phones ring on, and I may try again, without the camera say
        problem.value = error.failure;
      } else {
        phone?.end(id);
        failed(id, error);
      }
    }
  }

  function failed(id: string, error: unknown): void {
    const failure = error instanceof MediaProblem ? error.failure : "failed";
    happened(id, { type: "failed", at: Date.now(), failure, code: null });
    problem.value = isExplained(failure) ? failure : null;
  }

  const reconnect = (): void => phone?.reconnect();

  /** Only one call is spoken in: the others wait. */
  function holdOthers(id: string): void {
    for (const one of calls.value) {
      if (one.id !== id && one.phase === "talking" && !one.isHeldByMe) phone?.hold(one.id, true);
    }
  }

  function hangUp(id: string): void {
    const one = calls.value.find((call) => call.id === id);
    if (one && !streams.value.has(id) && one.phase === "calling") happened(id, { type: "ended", at: Date.now() });
    phone?.end(id);
  }

  function toggleHold(id: string): void {
    const one = calls.value.find((call) => call.id === id);
    if (!one) return;
    if (one.isHeldByMe) {
      holdOthers(id);
      activeId.value = id;
    }
    phone?.hold(id, !one.isHeldByMe);
  }

  const mute = (id: string, isMuted: boolean): void => phone?.mute(id, isMuted);
  const deflect = (id: string, number: string): void => phone?.deflect(id, number);
  const transfer = (id: string, number: string): void => phone?.transfer(id, number);
  /** Joins the call that waits with the one that I asked. */
  const join = (consultation: Call): void => {
    if (consultation.consultFor) phone?.transfer(consultation.consultFor, consultation.number, consultation.id);
  };

  function tone(id: string, key: string): void {
    sounds.key(key);
    phone?.tone(id, key);
  }

  async function camera(id: string, isOn: boolean): Promise<void> {
    try {
      await phone?.camera(id, isOn);
    } catch (error) {
      problem.value = error instanceof MediaProblem ? error.failure : "camera-missing";
    }
  }

  /** Takes a call of my desk phone to this browser, or gives one away to it. */
  async function pull(call: string, device: string): Promise<void> {
    const number = useCalls().state.live.find((one) => one.id === call)?.other?.number || null;
    if (device === "browser") pulled = { number, until: Date.now() + PULLED_WITHIN };
    try {
      await pullCall(call, device);
    } catch (error) {
      pulled = null;
      complain(error);
    }
  }

  function dismiss(id: string): void {
    if (!calls.value.some((call) => call.id === id && isOver(call))) return;
    calls.value = calls.value.filter((call) => call.id !== id);
    if (activeId.value === id) activeId.value = null;
    ringOrNot();
  }

  const open = (): void => void router.push("/call");

  return {
    calls, activeId, registration, streams, problem, lastDialled, incoming, shown, active, isBusy, isReady,
    start, stop, reconnect, call, answer, hangUp, toggleHold, mute, deflect, transfer, join, tone, camera, pull, dismiss, open,
  };
});


/** What the page can help with. */
const isExplained = (failure: Failure): boolean =>
  failure === "microphone-blocked" || failure === "microphone-missing" || failure === "camera-missing";
