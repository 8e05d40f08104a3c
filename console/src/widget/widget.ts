/**
 * `<script src="https://…/widget.js" async></script>` puts a button into another site's page; it opens the chat in a
 * window there. On the script's tag: `data-label` (what the button says), `data-lang`, `data-elder`, `data-place`,
 * `data-area` (as in the page's address).
 *
 * It is one classic script: the build puts into it what it imports, and it leaves no name in the page.
 */
import type { CLOSE as Close } from "../chat/embedded";
import TEXTS from "./texts.json";

(() => {
  const CLOSE: typeof Close = "lianxinqiao:close";
  const HANDED_ON = ["lang", "elder", "contrast", "place", "area"];
  const STYLE = `
    :host { all: initial; }
    button { font: inherit; cursor: pointer; }
    button:focus-visible { outline: 3px solid #0b57c9; outline-offset: 2px; }
    .open {
      position: fixed; z-index: 2147483000; right: max(16px, env(safe-area-inset-right));
      bottom: max(16px, env(safe-area-inset-bottom)); min-height: 52px; padding: 0 22px; border: 2px solid #fff;
      border-radius: 26px; background: #17433d; color: #fff; font: 600 17px/1.4 system-ui, sans-serif;
      box-shadow: 0 2px 10px rgb(0 0 0 / 35%);
    }
    .window {
      position: fixed; z-index: 2147483001; right: 16px; bottom: 16px; display: flex; flex-direction: column;
      width: min(420px, calc(100vw - 32px)); height: min(720px, calc(100dvh - 32px)); border: 1px solid #17433d;
      border-radius: 12px; overflow: hidden; background: #17433d; box-shadow: 0 6px 30px rgb(0 0 0 / 40%);
    }
    .window[hidden], .open[hidden] { display: none; }
    .bar { display: flex; align-items: center; justify-content: space-between; padding-left: 16px; color: #fff;
      font: 600 15px/1.4 system-ui, sans-serif; }
    .close { min-width: 64px; min-height: 44px; border: 0; background: none; color: inherit; }
    .close:focus-visible { outline-color: #f0bd57; outline-offset: -3px; }
    iframe { flex: 1; width: 100%; border: 0; background: #f7f4ec; }
    @media (max-width: 480px) {
      .window { inset: 0; width: 100%; height: 100%; border: 0; border-radius: 0; }
    }
    @media print { .open, .window { display: none; } }
  `;

  const script = document.currentScript as HTMLScriptElement | null;
  if (!script) return;
  const home = new URL(script.src);
  const given = script.dataset;

  function address(): string {
    const url = new URL("embed", home);
    for (const name of HANDED_ON) {
      const value = given[name];
      if (value) url.searchParams.set(name, value);
    }
    return url.href;
  }

  function element<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    properties: Partial<HTMLElementTagNameMap[K]>,
  ): HTMLElementTagNameMap[K] {
    return Object.assign(document.createElement(tag), properties);
  }

  function start(): void {
    const language = given.lang ?? document.documentElement.lang;
    const texts = language.startsWith("en") ? TEXTS.en : TEXTS.zh;
    const host = document.createElement("lianxinqiao-widget");
    const shadow = host.attachShadow({ mode: "open" });
    // A style element would be against the policy of many pages; a sheet made by a script is not.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];

    const open = element("button", { className: "open", type: "button", textContent: given.label ?? texts.open });
    const panel = element("div", { className: "window", hidden: true });
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-label", texts.title);
    open.setAttribute("aria-haspopup", "dialog");
    const bar = element("div", { className: "bar" });
    const close = element("button", { className: "close", type: "button", textContent: texts.close });
    bar.append(element("span", { textContent: texts.title }), close);
    panel.append(bar);
    shadow.append(open, panel);
    let chat: HTMLIFrameElement | null = null;

    function show(): void {
      if (!chat) {
        chat = element("iframe", { src: address(), title: texts.title, allow: "geolocation; microphone; clipboard-write" });
        panel.append(chat);
      }
      open.hidden = true;
      panel.hidden = false;
      chat.focus();
    }

    function hide(): void {
      if (panel.hidden) return;
      panel.hidden = true;
      open.hidden = false;
      open.focus();
    }

    open.addEventListener("click", show);
    close.addEventListener("click", hide);
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
    });
    window.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (event.source === chat?.contentWindow && event.origin === home.origin && event.data === CLOSE) hide();
    });
    document.body.append(host);
  }

  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
