import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const HOTLINE = "http://127.0.0.1:8000";

export default defineConfig({
  // Relative addresses: the page also works behind a path of another site.
  base: "./",
  plugins: [vue()],
  build: {
    target: "es2020",
    // The pages' policy allows files of our own and no data: addresses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: {
        chat: "index.html",
        knowledge: "knowledge.html",
        simulator: "pages/simulator.html",
        chats: "pages/chats.html",
        widget: "src/widget/widget.ts",
      },
      // Other sites name the widget in their pages: its address stays.
      output: { entryFileNames: ({ name }) => (name === "widget" ? "widget.js" : "assets/[name]-[hash].js") },
    },
  },
  server: {
    proxy: { "/chat": { target: HOTLINE, ws: true }, "/api": { target: HOTLINE } },
  },
});
