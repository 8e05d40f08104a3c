import { expect, test } from "vitest";
import type { Entry } from "./model";
import { fullOf, shortOf, withSource } from "./snippet";

const ENTRY: Entry = {
  id: "card-lost",
  version: 1,
  question: "社会保障卡丢了怎么补办",
  short: "",
  answer: "先打12333挂失。再带身份证去补办！\n也可以请人代办。",
  steps: ["挂失", "补办"],
  documents: ["身份证", "照片"],
  fee: "不收费",
  time: "",
  places: [{ name: "咸安区社保服务大厅", address: "", phone: "0715-1234567", hours: "", area: "" }],
  source: "《社会保险法》第五十八条（2018-12-29）",
  matters: [],
  audience: "both",
  area: "",
  unit: "人力资源和社会保障局",
  effective: null,
  expires: null,
};

test("the short form is the entry's own, or else its first sentences", () => {
  expect(shortOf({ ...ENTRY, short: "先挂失再补办。" })).toBe("先挂失再补办。");
  expect(shortOf(ENTRY)).toBe("先打12333挂失。再带身份证去补办！也可以请人代办。");
  expect(shortOf({ short: "", answer: `${"一".repeat(80)}。${"二".repeat(80)}。` })).toBe(`${"一".repeat(80)}。`);
  expect(shortOf({ short: "", answer: "一".repeat(200) })).toBe("一".repeat(200));
});

test("the full form says steps by number and leaves out what is not told", () => {
  expect(fullOf(ENTRY)).toBe(
    [
      ENTRY.answer,
      "办理步骤：\n1. 挂失\n2. 补办",
      "所需材料：身份证；照片",
      "费用：不收费",
      "办理地点：\n咸安区社保服务大厅，0715-1234567",
    ].join("\n"),
  );
});

test("the source stands below with its date, where one is named", () => {
  expect(withSource("先挂失。", ENTRY)).toBe("先挂失。\n以上依据《社会保险法》第五十八条（2018-12-29）");
  expect(withSource("先挂失。", { source: "" })).toBe("先挂失。");
});
