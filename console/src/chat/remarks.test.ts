import { expect, test } from "vitest";
import type { Remark, Turn } from "./model";
import { conversation, momentAfter, type Said, withNews } from "./remarks";
import { turnOf } from "./turns";

const MINUTE = 60_000;

function turn(messageId: string, sentAt: number, delivery: Turn["delivery"] = "sent"): Turn {
  return { ...turnOf({ messageId, text: messageId, line: "citizen", sentAt }), delivery };
}

function remark(id: string, at: number): Remark {
  return { id, author: "seat", text: id, at, number: null };
}

function ids(said: Said[]): string[] {
  return said.map((each) => each.id);
}

test("remarks stand among the messages by their time, each once", () => {
  const said = conversation([turn("a", 10), turn("b", 30)], [remark("y", 40), remark("x", 20), remark("x", 20)]);
  expect(ids(said)).toEqual(["a", "x", "b", "y"]);
});

test("messages keep their order, whatever time an unsent one bears", () => {
  const said = conversation([turn("a", 50), turn("b", 20, "retrying")], [remark("x", 30), remark("y", 60)]);
  expect(ids(said)).toEqual(["x", "a", "b", "y"]);
});

test("a pressed quick reply is shown by its title, remarks or not", () => {
  const replies = [{ text: "请选", buttons: [{ title: "噪音", payload: "类别：噪音" }] }];
  const asked = { ...turn("a", 10), answer: { replies, work_order: null, degraded: false } };
  const [, , chosen] = conversation([asked, { ...turn("b", 30), text: "类别：噪音" }], [remark("x", 20)]);
  expect(chosen).toMatchObject({ id: "b", text: "噪音" });
});

test("on a device whose clock is fast, what a person answers stands below the question and stays there", () => {
  const question = turn("a", 5 * MINUTE);
  const first = withNews([], [remark("x", MINUTE)], [question]);
  const again = withNews(first, [remark("x", MINUTE), remark("y", 2 * MINUTE)], [question]);
  expect(ids(conversation([question], again))).toEqual(["a", "x", "y"]);
});

test("on a device whose clock is slow, the next message stands below what was said before it", () => {
  const said = [remark("x", 5 * MINUTE)];
  const next = turn("b", momentAfter([turn("a", MINUTE)], said, 2 * MINUTE), "sending");
  expect(ids(conversation([turn("a", MINUTE), next], said))).toEqual(["a", "x", "b"]);
});

test("a message that waits for a connection pushes nothing down", () => {
  expect(withNews([], [remark("x", 20)], [turn("a", 90, "retrying")])).toEqual([remark("x", 20)]);
});
