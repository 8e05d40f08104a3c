import { shallowReactive } from "vue";
import type { KeyValues } from "../storage";
import { LOCALES, type Language } from "./language";

const KEY = "lianxinqiao.preferences";

/** How somebody wants to read the page. */
export interface View {
  language: Language;
  /** 大字版: large text, few things. */
  elder: boolean;
  contrast: boolean;
}

/** What the browser tells of its user. */
export interface Browser {
  languages: readonly string[];
  moreContrast: boolean;
}

/**
 * The page's look. What was chosen here or by the address (`?elder=1&contrast=1&lang=en`) is remembered and wins over
 * what the browser asks for.
 */
export class Preferences {
  readonly view: View;
  private chosen: Partial<View>;

  constructor(
    private readonly storage: KeyValues,
    search: URLSearchParams,
    browser: Browser,
  ) {
    this.chosen = { ...kept(storage), ...asked(search) };
    this.view = shallowReactive({ ...wished(browser), ...this.chosen });
    this.keep();
  }

  change(choice: Partial<View>): void {
    this.chosen = { ...this.chosen, ...choice };
    Object.assign(this.view, choice);
    this.keep();
  }

  /** Follow the browser where nothing else was chosen. */
  follow(browser: Browser): void {
    Object.assign(this.view, wished(browser), this.chosen);
  }

  /** Show the page as it is wanted; its texts are the page's own. */
  apply(document: Document): void {
    document.documentElement.lang = LOCALES[this.view.language];
    document.documentElement.dataset.size = this.view.elder ? "large" : "normal";
    document.documentElement.dataset.contrast = this.view.contrast ? "more" : "normal";
  }

  private keep(): void {
    try {
      this.storage.setItem(KEY, JSON.stringify(this.chosen));
    } catch {
      // No room: chosen for as long as the page is open.
    }
  }
}

function wished(browser: Browser): View {
  const first = browser.languages[0] ?? "zh";
  return { language: first.startsWith("en") ? "en" : "zh", elder: false, contrast: browser.moreContrast };
}

function kept(storage: KeyValues): Partial<View> {
  try {
    const value = JSON.parse(storage.getItem(KEY) ?? "{}") as Partial<View> | null;
    return {
      ...(value?.language === "zh" || value?.language === "en" ? { language: value.language } : {}),
      ...(typeof value?.elder === "boolean" ? { elder: value.elder } : {}),
      ...(typeof value?.contrast === "boolean" ? { contrast: value.contrast } : {}),
    };
  } catch {
    return {};
  }
}

function asked(search: URLSearchParams): Partial<View> {
  const language = search.get("lang");
  return {
    ...(language === "zh" || language === "en" ? { language } : {}),
    ...(search.has("elder") ? { elder: search.get("elder") !== "0" } : {}),
    ...(search.has("contrast") ? { contrast: search.get("contrast") !== "0" } : {}),
  };
}
