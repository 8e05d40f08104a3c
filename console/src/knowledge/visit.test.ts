import { expect, test } from "vitest";
import { memoryStorage } from "../shared/storage";
import { addressOf, visitOf } from "./visit";
import { voterIn } from "./voter";

test("an address leads to an entry or to a search, and back to itself", () => {
  for (const visit of [
    { id: "employment-wage-arrears", query: "" },
    { id: "", query: "社保卡丢了 & 挂失" },
    { id: "", query: "" },
  ])
    expect(visitOf(addressOf(visit))).toEqual(visit);
});

test("an entry goes before a search, and what can be no entry is none", () => {
  expect(visitOf("?id=tax-1&q=税")).toEqual({ id: "tax-1", query: "" });
  expect(visitOf("?id=a%20b&q=%20税%20")).toEqual({ id: "", query: "税" });
  expect(visitOf(`?q=${"税".repeat(600)}`).query).toHaveLength(500);
});

test("a reader keeps one id, and a spoilt one is made anew", () => {
  const storage = memoryStorage();
  const mine = voterIn(storage);
  expect(mine).toMatch(/^[0-9a-f]{32}$/);
  expect(voterIn(storage)).toBe(mine);
  storage.setItem("lianxinqiao.voter", "me");
  expect(voterIn(storage)).not.toBe("me");
});
