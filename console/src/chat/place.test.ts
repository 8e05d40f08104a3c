import { expect, test } from "vitest";
import { memoryStorage } from "../shared/storage";
import { lineOf, placeIn, ScannedPlace } from "./place";

function scanned(address: string, storage = memoryStorage(), area = "咸安区温泉街道"): ScannedPlace {
  return new ScannedPlace(storage, new URLSearchParams(address), () => Promise.resolve(area));
}

test("the place of an address is one short line, its area a code", () => {
  expect(placeIn(new URLSearchParams("place=+南门%0A旁 &area=421202001"))).toEqual({ name: "南门 旁", area: "421202001" });
  expect(placeIn(new URLSearchParams("place=南门&area=4212x"))).toEqual({ name: "南门", area: null });
  expect(placeIn(new URLSearchParams(`place=${"温".repeat(61)}`))).toBeNull();
  expect(placeIn(new URLSearchParams("place=%E2%80%AE"))).toBeNull();
  expect(placeIn(new URLSearchParams(""))).toBeNull();
});

test("the place is told once, with the first matter, and not with a greeting", async () => {
  const place = scanned("place=香城花园南门&area=421202001");
  await Promise.resolve();
  expect(place.shown.value).toBe("咸安区温泉街道香城花园南门");
  expect(place.told("你好")).toBe("你好");
  expect(place.told("路灯不亮了 ")).toBe("路灯不亮了（我在：咸安区温泉街道香城花园南门）");
  expect(place.told("还有垃圾没人收")).toBe("还有垃圾没人收");
});

test("a text that fills the whole message goes without the place, which stays for the next", () => {
  const place = scanned("place=南门");
  const long = "灯".repeat(1999);
  expect(place.told(long)).toBe(long);
  expect(place.shown.value).toBe("南门");
});

test("a place that was removed or told stays away after a reload, another one does not", () => {
  const storage = memoryStorage();
  expect(scanned("place=南门", storage).shown.value).toBe("南门");
  expect(scanned("", storage).shown.value).toBe("南门");
  scanned("", storage).remove();
  expect(scanned("", storage).shown.value).toBeNull();
});

test("the name of the area comes too late for a place that was removed", async () => {
  const place = scanned("place=南门&area=421202");
  place.remove();
  await Promise.resolve();
  expect(place.shown.value).toBeNull();
});

test("a position is told in WGS-84 to a metre, with the words beside it", () => {
  const position = { latitude: 29.841274, longitude: 114.3 };
  expect(lineOf(position, "")).toBe("位置：北纬29.84127°，东经114.30000°（WGS-84）");
  expect(lineOf(position, " 南门 ")).toBe("位置：南门，北纬29.84127°，东经114.30000°（WGS-84）");
  expect(lineOf(null, "淦河大道88号")).toBe("位置：淦河大道88号");
});
