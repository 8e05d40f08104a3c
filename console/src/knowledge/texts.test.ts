import { expect, test } from "vitest";
import { shapeOf } from "../shared/citizen/shape";
import { files } from "./texts";

test("both languages have the same texts with the same blanks", () => {
  expect(shapeOf(files.en)).toEqual(shapeOf(files.zh));
});

test("the English texts hold no Chinese but the name of the other language", () => {
  const { other, ...header } = files.en.header;
  expect(other).toBe("中文");
  expect(JSON.stringify({ ...files.en, header })).not.toMatch(/\p{Script=Han}/u);
});
