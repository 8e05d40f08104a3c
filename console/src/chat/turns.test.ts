import { expect, test } from "vitest";
import type { Answer, PastTurn, SentFile, Turn } from "./model";
import { activeButtons, merge, spoken, turnOf, withAnswer } from "./turns";

const answer: Answer = {
  replies: [{ text: "请选类别", buttons: [{ title: "噪音", payload: "类别：噪音" }] }],
  work_order: null,
  degraded: false,
};

function shown(messageId: string, text = messageId): Turn {
  return turnOf({ messageId, text, line: "citizen", sentAt: 5 });
}

function past(messageId: string, given: Answer | null = answer): PastTurn {
  return { message_id: messageId, text: messageId, received_at: "2026-11-24T01:30:00Z", answer: given, file: null };
}

test("history and what is shown become one list without repeats, the unsent last", () => {
  const merged = merge([shown("b"), shown("c")], [past("a"), past("b")]);
  expect(merged.map((turn) => [turn.messageId, turn.delivery])).toEqual([
    ["a", "sent"],
    ["b", "sent"],
    ["c", "sending"],
  ]);
});

test("merging the same history again changes nothing", () => {
  const once = merge([shown("b")], [past("a"), past("b")]);
  expect(merge(once, [past("a"), past("b")])).toEqual(once);
});

test("an answer that is here stays when the history was written before it", () => {
  const answered = withAnswer([shown("a")], "a", answer) ?? [];
  expect(merge(answered, [past("a", null)])[0]?.answer).toEqual(answer);
});

test("a file that is here is not fetched, one of an earlier visit is where the server has it", () => {
  const [here, there]: SentFile[] = [
    { kind: "picture", url: "blob:1", isHere: true },
    { kind: "picture", url: "chat/attachments/1", isHere: false },
  ];
  const told = { ...past("a"), text: "（图片）", file: there ?? null };
  expect(merge([{ ...shown("a"), file: here ?? null }], [told])[0]?.file).toEqual(here);
  expect(merge([], [told])[0]?.file).toEqual(there);
});

test("an answer to a message that is not shown finds no place", () => {
  expect(withAnswer([shown("a")], "b", answer)).toBeNull();
});

test("only the newest answer's quick replies are active, and none once something was said", () => {
  const turns = merge([], [past("a")]);
  expect(activeButtons(turns)).toEqual(answer.replies[0]?.buttons);
  expect(activeButtons([...turns, shown("b")])).toEqual([]);
});

test("a pressed quick reply is shown by its title", () => {
  const turns = [...merge([], [past("a")]), shown("b", "类别：噪音"), shown("c", "类别：噪音")];
  expect(spoken(turns, 1)).toBe("噪音");
  expect(spoken(turns, 2)).toBe("类别：噪音");
});
