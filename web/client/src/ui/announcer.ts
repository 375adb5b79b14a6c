/** What a screen reader says without being asked: new messages, calls. `app/Announcer.vue` holds the region. */
import { type Ref, ref } from "vue";

import { translate } from "@/i18n";

export const polite = ref("");
export const urgent = ref("");

export function announce(key: string, values: Record<string, unknown> = {}): void {
  say(polite, translate(key, values));
}

export function announceAtOnce(key: string, values: Record<string, unknown> = {}): void {
  say(urgent, translate(key, values));
}

/** Only what differs from before is spoken: the same words again get a blank at their end, which nobody hears. */
function say(region: Ref<string>, text: string): void {
  region.value = region.value === text ? `${text}\u00a0` : text;
}
