import { expect, test } from "vitest";
import { press } from "./keys";

test("the first key counts at once where one key is wanted, # and * too", () => {
  const one = { numDigits: 1, finishOnKey: "" };
  for (const key of ["2", "#", "*"]) expect(press(one, "", key)).toEqual({ taken: key, done: true });
});

test("a number is collected until #", () => {
  const number = { numDigits: 20, finishOnKey: "#" };
  expect(press(number, "1390", "7")).toEqual({ taken: "13907", done: false });
  expect(press(number, "13907", "#")).toEqual({ taken: "13907", done: true });
});

test("a number ends at its length", () => {
  expect(press({ numDigits: 4, finishOnKey: "#" }, "123", "4")).toEqual({ taken: "1234", done: true });
});
