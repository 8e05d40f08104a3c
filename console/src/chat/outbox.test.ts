import { expect, test } from "vitest";
import { memoryStorage } from "../shared/storage";
import type { Outgoing } from "./model";
import { Outbox } from "./outbox";

function message(messageId: string, sentAt: number): Outgoing {
  return { messageId, text: `文字 ${messageId}`, line: "citizen", sentAt };
}

test("messages survive a reload, in the order they were said", () => {
  const storage = memoryStorage();
  const before = new Outbox(storage, "s1");
  before.put(message("b", 2));
  before.put(message("a", 1));
  expect(new Outbox(storage, "s1").all()).toEqual([message("a", 1), message("b", 2)]);
});

test("a message is gone for every tab once one tab has its answer", () => {
  const storage = memoryStorage();
  const [one, other] = [new Outbox(storage, "s1"), new Outbox(storage, "s1")];
  one.put(message("a", 1));
  other.put(message("b", 2));
  other.remove("a");
  expect(one.all()).toEqual([message("b", 2)]);
  expect(one.find("a")).toBeNull();
});

test("sessions do not see each other's messages", () => {
  const storage = memoryStorage();
  new Outbox(storage, "s1").put(message("a", 1));
  new Outbox(storage, "s2").clear();
  expect(new Outbox(storage, "s2").all()).toEqual([]);
  expect(new Outbox(storage, "s1").all()).toHaveLength(1);
});

test("a full storage loses no message while the page is open", () => {
  const full = memoryStorage();
  full.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  const outbox = new Outbox(full, "s1");
  outbox.put(message("a", 1));
  expect(outbox.all()).toEqual([message("a", 1)]);
  expect(outbox.find("a")).toEqual(message("a", 1));
});

test("what is not a message is passed over", () => {
  const storage = memoryStorage();
  storage.setItem("lianxinqiao.outbox.s1.x", "{");
  storage.setItem("lianxinqiao.outbox.s1.y", "7");
  expect(new Outbox(storage, "s1").all()).toEqual([]);
});
