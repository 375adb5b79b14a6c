/**
 * Colours, shapes and defaults of Vuetify's components.
 *
 * Neutral greys and one accent; the other colours only say something: live (green), ring (amber: ringing or
 * held), fail (red: failed or missed), unread (blue). Both themes hold AA contrast for text on all surfaces.
 */
import { computed, ref, watch } from "vue";
import { createVuetify } from "vuetify";

import { aliases, mdi } from "vuetify/iconsets/mdi-svg";

const light = {
  dark: false,
  colors: {
    background: "#f4f6f6",
    surface: "#ffffff",
    "surface-variant": "#1b2528",
    "on-surface-variant": "#eef2f3",
    "on-surface": "#172023",
    "on-background": "#172023",
    primary: "#0b5e66",
    secondary: "#4c5a5e",
    error: "#bb2430",
    warning: "#8a5700",
    success: "#176f43",
    info: "#1a5fd0",
    muted: "#566468",
    line: "#dfe5e6",
    raised: "#ffffff",
    hover: "#eef2f2",
    chosen: "#e0eeef",
    bubble: "#edf1f2",
    mine: "#d9ecec",
    live: "#176f43",
    ring: "#8a5700",
    fail: "#bb2430",
    unread: "#1a5fd0",
  },
};

const dark = {
  dark: true,
  colors: {
    background: "#0f1416",
    surface: "#151b1d",
    "surface-variant": "#dfe7e9",
    "on-surface-variant": "#172023",
    "on-surface": "#e4eaeb",
    "on-background": "#e4eaeb",
    primary: "#63c3c8",
    "on-primary": "#04282b",
    secondary: "#a3b1b5",
    error: "#ff8d88",
    "on-error": "#3c0608",
    warning: "#efb652",
    success: "#5fca93",
    info: "#82b1ff",
    muted: "#9caaae",
    line: "#283235",
    raised: "#1c2427",
    hover: "#1d2528",
    chosen: "#1b363a",
    bubble: "#20292c",
    mine: "#15393d",
    live: "#5fca93",
    ring: "#efb652",
    fail: "#ff8d88",
    unread: "#82b1ff",
  },
};

export type ThemeChoice = "system" | "light" | "dark";

export const vuetify = createVuetify({
  theme: { defaultTheme: "system", themes: { light, dark }, variations: false },
  icons: { defaultSet: "mdi", aliases, sets: { mdi } },
  display: { mobileBreakpoint: 720, thresholds: { xs: 0, sm: 720, md: 1000, lg: 1280, xl: 1920, xxl: 2560 } },
  defaults: {
    VBtn: { variant: "text", rounded: "md", height: 36 },
    VTextField: { variant: "outlined", density: "compact", hideDetails: "auto", color: "primary" },
    VTextarea: { variant: "outlined", density: "compact", hideDetails: "auto", color: "primary" },
    VSelect: { variant: "outlined", density: "compact", hideDetails: "auto", color: "primary" },
    VAutocomplete: { variant: "outlined", density: "compact", hideDetails: "auto", color: "primary" },
    VCombobox: { variant: "outlined", density: "compact", hideDetails: "auto", color: "primary" },
    VSwitch: { color: "primary", density: "compact", hideDetails: true, inset: true },
    VCheckbox: { color: "primary", density: "compact", hideDetails: true },
    VRadioGroup: { color: "primary", density: "compact", hideDetails: true },
    VMenu: { offset: 4 },
  },
});

/** The theme as a constructed style sheet: that needs no exception in the Content-Security-Policy. */
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);
watch(
  vuetify.theme.styles,
  (styles) => {
    sheet.replaceSync(styles);
  },
  { immediate: true },
);

const KEY = "gorizont.theme";

export const themeChoice = ref<ThemeChoice>(readChoice());
export const isDark = computed(() => vuetify.theme.current.value.dark);

watch(
  themeChoice,
  (choice) => {
    void vuetify.theme.change(choice);
    localStorage.setItem(KEY, choice);
  },
  { immediate: true },
);

watch(
  isDark,
  (isNowDark) => {
    document.documentElement.style.colorScheme = isNowDark ? "dark" : "light";
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", isNowDark ? "#0f1416" : "#f4f6f6");
  },
  { immediate: true },
);

function readChoice(): ThemeChoice {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}
