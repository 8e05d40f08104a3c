import { expect, test } from "vitest";
import type { Handover } from "./model";
import { calls, hasNews, neighbour, rowsOf, waited } from "./queue";

const ASKED = "2026-11-24T01:30:00Z";

function chat(id: number, given: Partial<Handover> = {}): Handover {
  const waiting = { id, channel: "web", line: "citizen", state: "waiting", asked_at: ASKED, spoken_at: ASKED } as const;
  return { ...waiting, seat: null, taken_at: null, how: null, ...given };
}

function taken(id: number, seat: string, spoken_at = ASKED): Handover {
  return chat(id, { state: "talking", seat, taken_at: ASKED, spoken_at });
}

test("who waits stands first, the longest above, then one's own, then the others'", () => {
  const later = "2026-11-24T01:31:00.500000Z";
  const chats = [taken(1, "seat2"), chat(2, { asked_at: later }), taken(3, "seat1"), chat(4), chat(5, { state: "ended" })];
  expect(rowsOf(chats, "seat1", new Map()).map((row) => [row.chat.id, row.group])).toEqual([
    [4, "waiting"],
    [2, "waiting"],
    [3, "mine"],
    [1, "others"],
  ]);
});

test("a word after one looked is unread in one's own conversation, and in nobody else's", () => {
  const said = "2026-11-24T01:40:00Z";
  const unread = (chats: Handover[], seen: Map<number, string>): boolean[] =>
    rowsOf(chats, "seat1", seen).map((row) => row.unread);
  expect(unread([taken(1, "seat1"), taken(2, "seat1", said), taken(3, "seat2", said)], new Map())).toEqual([
    false,
    true,
    false,
  ]);
  expect(unread([taken(2, "seat1", said)], new Map([[2, said]]))).toEqual([false]);
});

test("only what is new calls: another who waits, or one more word", () => {
  const of = (...chats: Handover[]): Set<string> => calls(rowsOf(chats, "seat1", new Map()));
  const before = of(chat(1), taken(2, "seat1", "2026-11-24T01:40:00Z"));
  expect(hasNews(before, of(chat(1, { spoken_at: "2026-11-24T01:41:00Z" })))).toBe(false);
  expect(hasNews(before, of(chat(1), chat(3)))).toBe(true);
  expect(hasNews(before, of(taken(2, "seat1", "2026-11-24T01:41:00Z")))).toBe(true);
});

test("the keys move along the rows and stop at both ends", () => {
  const rows = rowsOf([chat(1), chat(2)], "seat1", new Map());
  expect(neighbour(rows, null, 1)?.chat.id).toBe(1);
  expect(neighbour(rows, 1, 1)?.chat.id).toBe(2);
  expect(neighbour(rows, 2, 1)?.chat.id).toBe(2);
  expect(neighbour(rows, 1, -1)?.chat.id).toBe(1);
  expect(neighbour([], null, 1)).toBeUndefined();
});

test("the time somebody waits is told in minutes and seconds, and never below nothing", () => {
  const asked = Date.parse(ASKED);
  expect(waited(ASKED, asked + 125_999)).toBe("2:05");
  expect(waited(ASKED, asked + 3_725_000)).toBe("1:02:05");
  expect(waited(ASKED, asked - 5_000)).toBe("0:00");
});
