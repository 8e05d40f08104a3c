import { expect, test } from "vitest";
import { matching, sought } from "./canned";

const CANNED = { 问候: "您好，我是工作人员。", 问地点: "请告诉我地点。", 结束: "请问还有别的吗？" };

test("a stroke at the beginning looks for a sentence, and nowhere else", () => {
  expect(sought("/")).toBe("");
  expect(sought("/问")).toBe("问");
  expect(sought("是 / 否")).toBeNull();
  expect(sought("/问 好")).toBeNull();
});

test("sentences whose name begins so come first, then those that hold it", () => {
  expect(matching(CANNED, "问").map((each) => each.name)).toEqual(["问候", "问地点", "结束"]);
  expect(matching(CANNED, "").length).toBe(3);
  expect(matching(CANNED, "没有这句")).toEqual([]);
});
