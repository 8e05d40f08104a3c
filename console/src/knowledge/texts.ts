import { shallowReactive } from "vue";
import type { Language } from "../shared/citizen/language";
import en from "./texts/en.json";
import zh from "./texts/zh.json";

export const files: Record<Language, typeof zh> = { zh, en };

/** Every sentence of the page in its language (knowledge.html has what is read without scripts). */
export const texts = shallowReactive<typeof zh>({ ...zh });

export function useTexts(language: Language): void {
  Object.assign(texts, files[language]);
}
