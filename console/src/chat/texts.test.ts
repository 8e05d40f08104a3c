import { expect, test } from "vitest";
import { files, fill, texts, useTexts } from "./texts";

/** The path of each text, with the blanks it has. */
function shape(texts: object, path = ""): string[] {
  return Object.entries(texts).flatMap(([name, value]: [string, unknown]) =>
    typeof value === "string"
      ? [`${path}${name} ${(value.match(/\{\w+\}/g) ?? []).sort().join(" ")}`]
      : shape(value as object, `${path}${name}.`),
  );
}

test("both languages have the same texts with the same blanks", () => {
  expect(shape(files.en).sort()).toEqual(shape(files.zh).sort());
});

test("the English texts hold no Chinese but the name of the language", () => {
  const { languages, ...settings } = files.en.settings;
  expect(languages.zh).toBe("中文");
  expect(JSON.stringify({ ...files.en, settings })).not.toMatch(/\p{Script=Han}/u);
});

test("a text is shown in the language that was chosen, its blanks filled in", () => {
  useTexts("en");
  expect(fill(texts.composer.left, { count: 3 })).toBe("3 characters left");
  useTexts("zh");
  expect(fill(texts.composer.left, { count: 3 })).toBe("还可以写 3 字");
});
