/** What was changed and not saved: nobody leaves it by mistake. */
import { onMounted, onUnmounted } from "vue";
import { onBeforeRouteLeave, onBeforeRouteUpdate, type RouteLocationNormalized } from "vue-router";

import { useSession } from "@/app/session";

const guards = new Set<() => boolean>();

/** Asks, where something is not saved, whether to leave it: for tabs within a page. */
export const mayLeave = (): boolean => [...guards].every((guard) => guard());

/** Asks before one goes to another page, to another section of this one, or closes the tab. */
export function guardChanges(isChanged: () => boolean, question: () => string): void {
  const mayGo = (): boolean => !useSession().isSignedIn || !isChanged() || window.confirm(question());
  const onRoute = (to: RouteLocationNormalized, from: RouteLocationNormalized): boolean => to.path === from.path || mayGo();
  onBeforeRouteLeave(onRoute);
  onBeforeRouteUpdate(onRoute); // sections are one route with another parameter

  const beforeUnload = (event: BeforeUnloadEvent): void => {
    if (isChanged() && useSession().isSignedIn) event.preventDefault();
  };
  onMounted(() => {
    guards.add(mayGo);
    addEventListener("beforeunload", beforeUnload);
  });
  onUnmounted(() => {
    guards.delete(mayGo);
    removeEventListener("beforeunload", beforeUnload);
  });
}
