import { shallowReactive } from "vue";
import en from "./texts/en.json";
import spoken from "./texts/spoken.json";
import zh from "./texts/zh.json";

export type Language = "zh" | "en";
export type Texts = typeof zh;

export const files: Record<Language, Texts> = { zh, en };
export const LOCALES: Record<Language, string> = { zh: "zh-CN", en: "en" };
/** What the hotline and its clerks say is Chinese, whatever the page's language. */
export const SPOKEN_LANGUAGE = LOCALES.zh;

/** Every sentence of the page in its language (index.html has what is read without scripts). */
export const texts = shallowReactive<Texts>({ ...zh });

/** What the page says to the hotline in the citizen's name. */
export { spoken };
/** A way to begin: what its button says, and what is said then. */
export type Example = keyof typeof spoken.examples;

export function useTexts(language: Language): void {
  Object.assign(texts, files[language]);
}

/** A text with its `{blanks}` filled in. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (blank, name: string) => String(values[name] ?? blank));
}
