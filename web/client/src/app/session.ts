/** Who is signed in at this browser. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { whenSignedOut } from "@/api/http";
import type { SipAccount, Start } from "@/api/schemas";
import * as api from "@/api/session";
import { router } from "@/app/router";
import { themeChoice } from "@/app/theme";
import { forgetEverything, own, watchOwner } from "@/app/owner";
import { useChat } from "@/chat/store";
import { useLanguage } from "@/i18n";
import { useConnection } from "@/live/connection";
import { usePeople } from "@/people/store";
import { usePhone } from "@/phone/store";
import { useCalls } from "@/calls/store";

const AGAIN = 10_000; // ms between two tries to get the phone's credentials

export const useSession = defineStore("session", () => {
  const start = shallowRef<Start | null>(null);
  const me = computed(() => start.value?.user ?? null);
  const number = computed(() => me.value?.number ?? "");
  const isAdmin = computed(() => me.value?.role === "admin");
  const isSignedIn = computed(() => start.value !== null);
  const hasPhone = computed(() => me.value?.has_phone ?? false);
  const wasSignedOut = ref(false); // by the server, not by the person

  let phoneTimer: ReturnType<typeof setTimeout> | undefined;
  let beginning: Promise<void> | null = null;
  let stopWatching = (): void => undefined;

  whenSignedOut(signedOut);

  /** Fetches the snapshot and connects. Throws an ApiError, 401 if nobody is signed in. */
  function begin(): Promise<void> {
    return (beginning ??= beginNow().finally(() => (beginning = null)));
  }

  async function beginNow(): Promise<void> {
    const snapshot = await api.getStart();
    if (start.value) end(); // somebody else was signed in before
    const { number, theme, language, has_phone } = snapshot.user;
    own(number);
    stopWatching = watchOwner(number, taken);
    start.value = snapshot;
    wasSignedOut.value = false;
    if (theme) themeChoice.value = theme;
    useChat().begin(number, snapshot.seq);
    void useChat().catchUp();
    useConnection().open();
    if (language) await useLanguage(language);
    if (has_phone && start.value === snapshot) void startPhone(snapshot.sip);
  }

  /** Somebody else has signed in, in another tab: the cookie of both is theirs, and so is this page. */
  function taken(): void {
    end();
    location.reload();
  }

  /** The engine may be away when the page begins: then the phone comes later. */
  async function startPhone(account: SipAccount | null): Promise<void> {
    clearTimeout(phoneTimer);
    try {
      const given = account ?? (await api.renewSip());
      if (start.value) await usePhone().start(given, start.value.user.name);
    } catch {
      if (start.value) phoneTimer = setTimeout(() => void startPhone(null), AGAIN);
    }
  }

  /** What I set in another browser of mine. */
  async function refresh(): Promise<void> {
    const user = await api.getMe().catch(() => null); // told again with the next change, or by the next start
    if (user && start.value?.user.number === user.number) start.value = { ...start.value, user };
  }

  async function changeMe(change: Parameters<typeof api.changeMe>[0]): Promise<void> {
    const user = await api.changeMe(change);
    if (start.value) start.value = { ...start.value, user };
  }

  async function signOut(): Promise<void> {
    await api.signOut().catch(() => undefined);
    forgetEverything();
    end();
    await router.push("/sign-in");
  }

  function signedOut(): void {
    if (!start.value) return;
    wasSignedOut.value = true;
    end();
    void router.push({ path: "/sign-in", query: { next: router.currentRoute.value.fullPath } });
  }

  function end(): void {
    clearTimeout(phoneTimer);
    stopWatching();
    usePhone().stop();
    useConnection().close();
    useChat().end();
    useCalls().clear();
    usePeople().clear();
    start.value = null;
  }

  return { start, me, number, isAdmin, isSignedIn, hasPhone, wasSignedOut, begin, refresh, changeMe, signOut, signedOut, taken };
});
