import { createApp, watch } from "vue";
import "../shared/base.css";
import "../shared/citizen/citizen.css";
import { type Browser, Preferences } from "../shared/citizen/preferences";
import { browserStorage, tabStorage } from "../shared/storage";
import { Attention } from "./attention";
import ChatPage from "./ChatPage.vue";
import { Conversation } from "./conversation";
import { closeWithEscape } from "./embedded";
import * as network from "./network";
import { Orders } from "./orders";
import { ScannedPlace } from "./place";
import { texts, useTexts } from "./texts";

const storage = browserStorage();
const tab = tabStorage();
const search = new URLSearchParams(location.search);
const moreContrast = matchMedia("(prefers-contrast: more)");
const browser = (): Browser => ({ languages: navigator.languages, moreContrast: moreContrast.matches });

const preferences = new Preferences(storage, search, browser());
function show(): void {
  useTexts(preferences.view.language);
  document.title = texts.title;
  preferences.apply(document);
}
watch(preferences.view, show, { immediate: true });
moreContrast.addEventListener("change", () => preferences.follow(browser()));

const place = new ScannedPlace(tab, search, network.areaName);
// What the address asked for is known now: a reload does not ask for it again.
history.replaceState(history.state, "", location.pathname);

const attention = new Attention(document, () => texts.newMark);
const conversation = new Conversation(storage, tab, () => attention.call());
const orders = new Orders(
  {
    ask: network.progress,
    rate: network.rate,
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    now: Date.now,
  },
  tab,
);
createApp(ChatPage, { conversation, orders, place, preferences }).mount("#app");
conversation.start();
closeWithEscape();
