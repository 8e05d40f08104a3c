import { expect, test } from "vitest";
import type { Saying, Who } from "./model";
import { lastQuestion } from "./question";

function said(...texts: [Who, string][]): { sayings: Saying[] } {
  const about = { at: "2026-11-24T01:30:00Z", login: null, file: null };
  return { sayings: texts.map(([who, text], index) => ({ ...about, id: `m${index}`, who, text })) };
}

test("the last question stands before greetings, commands, numbers and what others say", () => {
  const chat = said(
    ["citizen", "社保卡丢了怎么补办"],
    ["bot", "请问还有什么可以帮您？"],
    ["citizen", "转人工"],
    ["seat", "您好，我是工作人员。"],
    ["citizen", "我的电话是13871234567"],
  );
  expect(lastQuestion(chat)).toBe("社保卡丢了怎么补办");
  expect(lastQuestion(said(["citizen", "你好"]))).toBe("");
});

test("a file is no question", () => {
  const { sayings } = said(["citizen", "这是我拍的照片"]);
  expect(lastQuestion({ sayings: sayings.map((each) => ({ ...each, file: { id: "f", kind: "picture" } })) })).toBe("");
});
