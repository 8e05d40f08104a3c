/** The languages of the citizens' pages. */
export type Language = "zh" | "en";

export const LOCALES: Record<Language, string> = { zh: "zh-CN", en: "en" };
/** What the hotline and its clerks say is Chinese, whatever the page's language. */
export const SPOKEN_LANGUAGE = LOCALES.zh;

/** A text with its `{blanks}` filled in. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (blank, name: string) => String(values[name] ?? blank));
}
