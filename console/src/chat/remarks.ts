import type { Feed, Person, Remark, Turn } from "./model";
import { spoken } from "./turns";

/** A feed as it travels. */
export interface ToldFeed {
  person: Person | null;
  remarks: (Omit<Remark, "at"> & { at: string })[];
}

/** One thing of the conversation: a turn with what it shows as the citizen's words, or a remark. */
export type Said = { id: string; turn: Turn; text: string } | { id: string; remark: Remark };

export function feedOf(told: ToldFeed): Feed {
  return { person: told.person, remarks: told.remarks.map((remark) => ({ ...remark, at: Date.parse(remark.at) })) };
}

/**
 * The remarks to show when all of them are told again: each once, and a new one below what was said before it.
 *
 * A message just sent bears the time of the citizen's clock, which may be wrong; it takes the server's with the history.
 */
export function withNews(shown: readonly Remark[], told: readonly Remark[], turns: readonly Turn[]): Remark[] {
  const known = new Map(shown.map((remark) => [remark.id, remark]));
  const latest = Math.max(...turns.filter((turn) => turn.delivery === "sent").map((turn) => turn.sentAt));
  return told.map((remark) => known.get(remark.id) ?? { ...remark, at: Math.max(remark.at, latest) });
}

/** Turns, in their order, with each remark before the first turn that is younger. */
export function conversation(turns: readonly Turn[], remarks: readonly Remark[]): Said[] {
  const waiting = [...new Map(remarks.map((remark) => [remark.id, remark])).values()].sort((a, b) => a.at - b.at);
  const said: Said[] = [];
  turns.forEach((turn, index) => {
    while (waiting[0] && waiting[0].at < turn.sentAt) said.push(saidOf(waiting.shift() as Remark));
    said.push({ id: turn.messageId, turn, text: spoken(turns, index) });
  });
  return [...said, ...waiting.map(saidOf)];
}

/** The moment of something said now: after all that is shown, in ms. */
export function momentAfter(turns: readonly Turn[], remarks: readonly Remark[], now: number): number {
  const shown = [...turns.map((turn) => turn.sentAt), ...remarks.map((remark) => remark.at)];
  return Math.max(now, ...shown.map((at) => at + 1));
}

function saidOf(remark: Remark): Said {
  return { id: remark.id, remark };
}
