import { createApp, watch } from "vue";
import "../shared/base.css";
import "../shared/citizen/citizen.css";
import { type Browser, Preferences } from "../shared/citizen/preferences";
import { Doors } from "../shared/knowledge/doors";
import { browserStorage } from "../shared/storage";
import KnowledgePage from "./KnowledgePage.vue";
import { useTexts } from "./texts";

const storage = browserStorage();
const moreContrast = matchMedia("(prefers-contrast: more)");
const browser = (): Browser => ({ languages: navigator.languages, moreContrast: moreContrast.matches });

const preferences = new Preferences(storage, new URLSearchParams(location.search), browser());
function show(): void {
  useTexts(preferences.view.language);
  preferences.apply(document);
}
watch(preferences.view, show, { immediate: true });
moreContrast.addEventListener("change", () => preferences.follow(browser()));

createApp(KnowledgePage, { doors: new Doors(""), preferences, storage }).mount("#app");
