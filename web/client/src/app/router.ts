/** Addresses of the pages. Each page is a file of its own that is loaded when it is first opened. */
import { createRouter, createWebHistory, type RouteLocationNormalized } from "vue-router";

import { ApiError } from "@/api/http";
import { useSession } from "@/app/session";
import { translate } from "@/i18n";

declare module "vue-router" {
  interface RouteMeta {
    isPublic?: boolean;
    isAdmin?: boolean;
    title?: string; // a key of the language
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", redirect: "/chats" },
    { path: "/sign-in", component: () => import("@/app/SignInPage.vue"), meta: { isPublic: true, title: "sign-in.title" } },
    { path: "/chats/:id?", component: () => import("@/chat/ChatPage.vue"), meta: { title: "nav.chats" } },
    { path: "/calls/:id?", component: () => import("@/calls/CallsPage.vue"), meta: { title: "nav.calls" } },
    { path: "/call", component: () => import("@/phone/CallPage.vue"), meta: { title: "nav.call" } },
    { path: "/people/:number?", component: () => import("@/people/PeoplePage.vue"), meta: { title: "nav.people" } },
    { path: "/settings/:section?", component: () => import("@/settings/SettingsPage.vue"), meta: { title: "nav.settings" } },
    {
      path: "/admin/:section?/:item?",
      component: () => import("@/admin/AdminPage.vue"),
      meta: { title: "nav.admin", isAdmin: true },
    },
    { path: "/:rest(.*)*", component: () => import("@/app/NotFoundPage.vue"), meta: { title: "not-found.title" } },
  ],
});

router.beforeEach(async (to) => {
  const session = useSession();
  if (to.meta.isPublic) return true;
  if (!session.isSignedIn) {
    fetchAhead(to);
    try {
      await session.begin();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        return { path: "/sign-in", query: to.fullPath === "/chats" ? {} : { next: to.fullPath } };
      }
      startError.report(error);
      return false;
    }
  }
  return !to.meta.isAdmin || session.isAdmin || "/chats";
});

/** The code of a page comes while the server is asked who is signed in; what fails here fails again, and is told, there. */
function fetchAhead(to: RouteLocationNormalized): void {
  const page = to.matched.at(-1)?.components?.["default"];
  if (typeof page === "function") void (page as () => Promise<unknown>)().catch(() => undefined);
}

router.afterEach((to) => {
  if (to.meta.isPublic) document.title = `${translate(to.meta.title ?? "sign-in.title")} · Gorizont`; // else the shell says it
});

/** The page can't even begin: `App.vue` shows that. */
export const startError = {
  report: (_error: unknown): void => undefined,
};
