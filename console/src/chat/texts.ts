import { shallowReactive } from "vue";
import type { Language } from "../shared/citizen/language";
import en from "./texts/en.json";
import spoken from "./texts/spoken.json";
import zh from "./texts/zh.json";

export { fill, LOCALES, type Language, SPOKEN_LANGUAGE } from "../shared/citizen/language";
export type Texts = typeof zh;

export const files: Record<Language, Texts> = { zh, en };

/** Every sentence of the page in its language (index.html has what is read without scripts). */
export const texts = shallowReactive<Texts>({ ...zh });

/** What the page says to the hotline in the citizen's name. */
export { spoken };
/** A way to begin: what its button says, and what is said then. */
export type Example = keyof typeof spoken.examples;

export function useTexts(language: Language): void {
  Object.assign(texts, files[language]);
}
