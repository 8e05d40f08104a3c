import { expect, test } from "vitest";
import { memoryStorage } from "../storage";
import { Preferences } from "./preferences";

const chinese = { languages: ["zh-CN", "en"], moreContrast: false };

function opened(address = "", storage = memoryStorage(), browser = chinese): Preferences {
  return new Preferences(storage, new URLSearchParams(address), browser);
}

test("without a choice the browser decides", () => {
  expect(opened().view).toEqual({ language: "zh", elder: false, contrast: false });
  const other = { languages: ["en-GB"], moreContrast: true };
  expect(opened("", memoryStorage(), other).view).toEqual({ language: "en", elder: false, contrast: true });
});

test("what the address asks for is remembered, until something else is chosen", () => {
  const storage = memoryStorage();
  opened("elder=1&lang=en", storage);
  expect(opened("", storage).view).toMatchObject({ elder: true, language: "en" });
  opened("", storage).change({ elder: false });
  expect(opened("", storage).view.elder).toBe(false);
  expect(opened("elder=0&contrast=1", storage).view).toMatchObject({ elder: false, contrast: true });
});

test("who has chosen plain colours keeps them when the browser asks for more contrast", () => {
  const preferences = opened();
  preferences.follow({ ...chinese, moreContrast: true });
  expect(preferences.view.contrast).toBe(true);
  preferences.change({ contrast: false });
  preferences.follow({ ...chinese, moreContrast: true });
  expect(preferences.view.contrast).toBe(false);
});

test("a spoilt memory is as good as none", () => {
  const storage = memoryStorage();
  storage.setItem("lianxinqiao.preferences", '{"elder":"yes","language":"fr"');
  expect(opened("lang=fr", storage).view).toEqual({ language: "zh", elder: false, contrast: false });
});
