/** Who is signed in at this browser. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { whenSignedOut } from "@/api/http";
import type { SipAccount, Start } from "@/api/schemas";
import * as api from "@/api/session";
import { router } from "@/app/router";
import { themeChoice } from "@/app/theme";
import { forgetEverything } from "@/chat/outbox";
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

  whenSignedOut(signedOut);

  /** Fetches the snapshot and connects. Throws an ApiError, 401 if nobody is signed in. */
  async function begin(): Promise<void> {
    const snapshot = await api.getStart();
    start.value = snapshot;
    wasSignedOut.value = false;
    if (snapshot.user.theme) themeChoice.value = snapshot.user.theme;
    if (snapshot.user.language) await useLanguage(snapshot.user.language);
    useChat().begin(snapshot.user.number, snapshot.seq);
    void useChat().load();
    void usePeople().load();
    void useCalls().refresh();
    useConnection().open();
    if (snapshot.user.has_phone) void startPhone(snapshot.sip);
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
    if (start.value) start.value = { ...start.value, user: await api.getMe() };
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
    usePhone().stop();
    useConnection().close();
    usePeople().clear();
    start.value = null;
  }

  return { start, me, number, isAdmin, isSignedIn, hasPhone, wasSignedOut, begin, refresh, changeMe, signOut, signedOut };
});
