/** What a screen reader says without being asked: new messages, calls. `app/Announcer.vue` holds the region. */
import { ref } from "vue";

import { translate } from "@/i18n";

export const polite = ref("");
export const urgent = ref("");

export function announce(key: string, values: Record<string, unknown> = {}): void {
  polite.value = translate(key, values);
}

export function announceAtOnce(key: string, values: Record<string, unknown> = {}): void {
  urgent.value = translate(key, values);
}
