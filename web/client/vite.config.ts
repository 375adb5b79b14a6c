import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";
import vuetify from "vite-plugin-vuetify";

import { mockServer } from "./mock/plugin.ts";

/** `GORIZONT=https://localhost:8443 npm run dev` develops against a running server instead of the mock. */
const server = process.env["GORIZONT"];
const proxy = server
  ? Object.fromEntries(
      ["/api", "/sip", "/socket.io"].map((path) => [path, { target: server, secure: false, ws: true }]),
    )
  : undefined;

/** Writes a compressed copy beside each file that gets smaller by it: the server sends those. */
function compressed(): Plugin {
  const dist = fileURLToPath(new URL("./dist", import.meta.url));
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    closeBundle: {
      order: "post",
      sequential: true,
      handler() {
        for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
          if (!/\.(js|css|html|svg|webmanifest)$/.test(name)) continue;
          const octets = readFileSync(join(dist, name));
          if (octets.length < 1000) continue;
          const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: octets.length } };
          writeFileSync(join(dist, `${name}.br`), brotliCompressSync(octets, quality));
          writeFileSync(join(dist, `${name}.gz`), gzipSync(octets, { level: 9 }));
        }
      },
    },
  };
}

export default defineConfig({
  plugins: [
    vue(),
    vuetify({ autoImport: true }),
    VitePWA({
      registerType: "prompt",
      injectRegister: false, // app/update.ts registers it: an inline script would need a hole in the CSP
      manifest: {
        name: "Gorizont",
        short_name: "Gorizont",
        description: "Calls and messages of your organisation",
        start_url: "/",
        display: "standalone",
        background_color: "#101415",
        theme_color: "#0b5e66",
        icons: [
          { src: "/icon.svg", sizes: "any", type: "image/svg+xml", purpose: "any" },
          { src: "/icon-maskable.svg", sizes: "any", type: "image/svg+xml", purpose: "maskable" },
        ],
      },
      workbox: {
        navigateFallbackDenylist: [/^\/(api|sip|socket\.io|healthz|readyz|metrics)/, /\.[a-z0-9]+$/],
        globPatterns: ["**/*.{js,css,html,svg}", "**/inter-{latin,cyrillic}-????????.woff2"],
      },
    }),
    ...(server ? [] : [mockServer()]),
    compressed(),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: true, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  server: { ...(proxy ? { proxy } : {}) },
  preview: {
    headers: {
      // As the real server sends it, so that what it would refuse shows here.
      "Content-Security-Policy":
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    },
  },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // A few files of some size rather than a hundred small ones; pages and the phone stay apart.
        codeSplitting: {
          groups: [
            { name: "vuetify", test: /node_modules\/vuetify\/(?!lib\/components\/V(Select|Autocomplete|Chip|SlideGroup|VirtualScroll)\b)/, minShareCount: 4, priority: 3 },
            { name: "framework", test: /node_modules\/(?!vuetify)(vue|@vue|vue-router|pinia|vue-i18n|@intlify|zod|socket\.io|engine\.io|nostics)/, priority: 2 },
            { name: "common", test: /\/src\/(api\/(?!admin)|app|ui\/(?!PersonPicker|DataTable|SideSheet|SideNav|ConfirmDialog|LoadMore)|live|people|phone|chat|calls\/(?!CallDetail)|i18n\/index)/, minShareCount: 2, priority: 1 },
          ],
        },
      },
    },
  },
});
