/** Short notes at the bottom of the page: what was done, with an undo if there is one, or what went wrong. */
import { ref } from "vue";

import { translate } from "@/i18n";
import { inWords } from "@/ui/errors";

export interface Toast {
  text: string;
  isError: boolean;
  stays?: boolean; // until it is answered
  action?: { text: string; run: () => void };
}

export const toast = ref<Toast | null>(null);

export function say(key: string, values: Record<string, unknown> = {}, undo?: () => void): void {
  const action = undo ? { text: translate("action.undo"), run: undo } : undefined;
  toast.value = { text: translate(key, values), isError: false, ...(action ? { action } : {}) };
}

export function complain(error: unknown): void {
  toast.value = { text: inWords(error), isError: true };
}
