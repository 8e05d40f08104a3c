import { expect, test } from "vitest";
import { memoryStorage } from "../shared/storage";
import { FORGET_AFTER_MS, keepSession, newSession, openSession } from "./session";

const nobodyWaits = (): boolean => false;

test("a new session's id has 128 random bits", () => {
  const storage = memoryStorage();
  const ids = Array.from({ length: 50 }, () => newSession(storage, 0).id);
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(50);
});

test("a reload finds the session and its line again", () => {
  const storage = memoryStorage();
  const session = { ...newSession(storage, 1000), line: "enterprise" as const };
  keepSession(storage, session);
  expect(openSession(storage, 2000, nobodyWaits)).toEqual(session);
});

test("a session left alone for long is forgotten, unless a message in it still waits", () => {
  const storage = memoryStorage();
  const { id } = newSession(storage, 0);
  expect(openSession(storage, FORGET_AFTER_MS, () => true).id).toBe(id);
  expect(openSession(storage, FORGET_AFTER_MS, nobodyWaits).id).not.toBe(id);
});

test("a broken value is no session", () => {
  const storage = memoryStorage();
  storage.setItem("lianxinqiao.session", '{"id":7}');
  expect(openSession(storage, 0, nobodyWaits).id).toHaveLength(32);
});
