import "vuetify/styles/core";
import "./app/base.css";
import "./app/fonts.css";
import "./app/vuetify.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "./app/App.vue";
import { router } from "./app/router";
import { vuetify } from "./app/theme";
import { watchForUpdates } from "./app/update";
import { i18n, useLanguage } from "./i18n";

await useLanguage();
createApp(App).use(createPinia()).use(i18n).use(vuetify).use(router).mount("#app");
void watchForUpdates();
