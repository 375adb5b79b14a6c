/** The two languages. English is the measure: Russian has exactly its keys. */
import { createI18n } from "vue-i18n";

import type { Messages } from "./en";

export type Language = "en" | "ru";
export const LANGUAGES: readonly { value: Language; title: string }[] = [
  { value: "en", title: "English" },
  { value: "ru", title: "Русский" },
];

const KEY = "gorizont.language";

const loaders: Record<Language, () => Promise<{ default: Messages }>> = {
  en: () => import("./en"),
  ru: () => import("./ru"),
};

export const i18n = createI18n<false>({
  legacy: false,
  locale: "en",
  fallbackLocale: "en",
  pluralRules: { ru: russianPlural },
  messages: {},
});

/** The language now in use. */
export function language(): Language {
  return i18n.global.locale.value as Language;
}

/** Shows the page in a language: that asked for, else the one chosen before, else the browser's. */
export async function useLanguage(wanted?: string | null): Promise<void> {
  const stored = wanted ?? localStorage.getItem(KEY) ?? navigator.language;
  const chosen: Language = stored.toLowerCase().startsWith("ru") ? "ru" : "en";
  const messages = await loaders[chosen]();
  i18n.global.setLocaleMessage(chosen, messages.default);
  i18n.global.locale.value = chosen;
  if (wanted) localStorage.setItem(KEY, chosen);
  document.documentElement.lang = chosen;
}

/** Outside of components. */
export const translate = (key: string, values: Record<string, unknown> = {}): string => i18n.global.t(key, values);

/** Whether there are words for something that the server calls by a code. */
export const hasText = (key: string): boolean => i18n.global.te(key);

/** один звонок | два звонка | пять звонков; a form before them is for none. */
export function russianPlural(count: number, forms: number): number {
  const shift = forms > 3 ? 1 : 0;
  if (shift && count === 0) return 0;
  const tens = count % 100;
  const ones = count % 10;
  if (tens > 10 && tens < 20) return shift + 2;
  if (ones === 1) return shift;
  return ones >= 2 && ones <= 4 ? shift + 1 : shift + 2;
}
