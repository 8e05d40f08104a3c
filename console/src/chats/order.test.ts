import { expect, test } from "vitest";
import type { Chat } from "./model";
import { choicesOf, codeAfter, filingOf, formOf, matterOf, nextOf } from "./order";

const AREAS = [
  { code: "421200", name: "咸宁市" },
  { code: "421202", name: "咸安区" },
  { code: "421202001", name: "温泉街道" },
  { code: "421202001002", name: "万年路社区" },
  { code: "421221", name: "嘉鱼县" },
];

function chat(given: Partial<Chat>): Chat {
  const saying = { at: "2026-11-24T01:30:00Z", login: null, file: null };
  const sayings: Chat["sayings"] = [
    { ...saying, id: "m1", who: "citizen", text: "楼下太吵" },
    { ...saying, id: "m1/0", who: "bot", text: "在哪里？" },
    { ...saying, id: "m2", who: "citizen", text: "（图片）", file: { id: "f", kind: "picture" } },
    { ...saying, id: "m3", who: "citizen", text: "温泉街道" },
  ];
  return { handover: {} as Chat["handover"], sayings, understood: [], draft: null, orders: [], ...given };
}

test("the form begins with what the bot had, else with the citizen's own words", () => {
  const draft = { text: "楼下烧烤店太吵", category: "09", area_code: "421202001", confidential: true };
  expect(formOf(chat({ draft }))).toMatchObject({ ...draft, place: "", contact_phone: "" });
  expect(formOf(chat({})).text).toBe("楼下太吵\n温泉街道");
});

test("what is empty is not sent", () => {
  const matter = matterOf({ ...formOf(chat({})), text: " 太吵 ", place: "  " });
  expect(matter).toMatchObject({ text: "太吵", place: null, category: null, confidential: false });
});

test("an order that came of the conversation stands before the form for another", () => {
  expect(filingOf(chat({ orders: ["20261124-000001", "20261124-000002"] })).number).toBe("20261124-000002");
});

test("another matter of the same citizen has its own key, and the same contact", () => {
  const filing = filingOf(chat({ draft: { text: "太吵", contact_phone: "13871234567" } }));
  const next = nextOf(filing.form);
  expect(next.form).toMatchObject({ text: "", contact_phone: "13871234567" });
  expect(next.key).not.toBe(filing.key);
});

test("each level of an area is offered once the one above it is chosen", () => {
  const offered = (code: string): [string, number][] =>
    choicesOf(AREAS, code).map((choice) => [choice.chosen, choice.areas.length]);
  expect(offered("")).toEqual([["", 3]]);
  expect(offered("421202")).toEqual([["421202", 3], ["", 1]]);
  expect(offered("421202001002")).toEqual([["421202", 3], ["421202001", 1], ["421202001002", 1]]);
  expect(offered("421221")).toEqual([["421221", 3]]);
});

test("a level that is chosen no more leaves the one above it", () => {
  const choices = choicesOf(AREAS, "421202001002");
  expect(codeAfter(choices, 1, "")).toBe("421202");
  expect(codeAfter(choices, 0, "421221")).toBe("421221");
  expect(codeAfter(choices, 0, "")).toBe("");
});
