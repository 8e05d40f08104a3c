import type { Handover } from "./model";

export const GROUPS = ["waiting", "mine", "others"] as const;
export type Group = (typeof GROUPS)[number];

export interface Row {
  chat: Handover;
  group: Group;
  unread: boolean;
}

/** When each conversation was last looked at: its `spoken_at` of that moment. */
export type Seen = ReadonlyMap<number, string>;

/**
 * The queue as a seat reads it: who waits, then their own, then the others', in each the one that asked first.
 *
 * A new word moves no row: it would go away under the pointer.
 */
export function rowsOf(chats: readonly Handover[], login: string, seen: Seen): Row[] {
  const rows = chats
    .filter((chat) => chat.state !== "ended")
    .map((chat): Row => {
      const group = groupOf(chat, login);
      const unread = group === "mine" && chat.spoken_at !== (seen.get(chat.id) ?? chat.taken_at);
      return { chat, group, unread };
    });
  return rows.sort(
    (one, other) =>
      GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group) ||
      Date.parse(one.chat.asked_at) - Date.parse(other.chat.asked_at),
  );
}

/** What calls for the seat: who waits, and unread words in their own conversations. */
export function calls(rows: readonly Row[]): Set<string> {
  const calling = rows.filter((row) => row.group === "waiting" || row.unread);
  return new Set(calling.map(({ chat, group }) => (group === "waiting" ? `${chat.id}` : `${chat.id} ${chat.spoken_at}`)));
}

/** Whether something calls that did not before. */
export function hasNews(before: ReadonlySet<string>, after: ReadonlySet<string>): boolean {
  return [...after].some((call) => !before.has(call));
}

/** The row `step` below the one of a conversation; without one, or at the end, the nearest there is. */
export function neighbour(rows: readonly Row[], id: number | null, step: 1 | -1): Row | undefined {
  const at = rows.findIndex((row) => row.chat.id === id);
  if (at === -1) return step === 1 ? rows[0] : rows.at(-1);
  return rows[Math.min(rows.length - 1, Math.max(0, at + step))];
}

/** How long somebody has waited: 2:05, or 1:02:05. `now` in milliseconds, by the clock of the house. */
export function waited(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (figure: number): string => String(figure).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function groupOf(chat: Handover, login: string): Group {
  if (chat.state === "waiting") return "waiting";
  return chat.seat === login ? "mine" : "others";
}
