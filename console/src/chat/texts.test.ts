import { expect, test } from "vitest";
import { shapeOf } from "../shared/citizen/shape";
import { files, fill, texts, useTexts } from "./texts";

test("both languages have the same texts with the same blanks", () => {
  expect(shapeOf(files.en)).toEqual(shapeOf(files.zh));
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
