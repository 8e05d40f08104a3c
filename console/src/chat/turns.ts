import type { Answer, Button, Outgoing, PastTurn, SentFile, Turn } from "./model";

/** A message, or a file, as shown from the moment it is sent. */
export function turnOf(message: Outgoing, file: SentFile | null = null): Turn {
  return {
    messageId: message.messageId,
    text: message.text,
    sentAt: message.sentAt,
    delivery: "sending",
    detail: null,
    answer: null,
    file,
  };
}

/**
 * What the server has of the conversation, then what only this page has, in the order it was said.
 *
 * A turn both know is there once, at the server's time; an answer, once here, stays, even if the history was written
 * down before it, and so does a file.
 */
export function merge(shown: readonly Turn[], history: readonly PastTurn[]): Turn[] {
  const known = new Map(shown.map((turn) => [turn.messageId, turn]));
  const past = history.map((turn) => mergeTurn(known.get(turn.message_id), turn));
  const told = new Set(history.map((turn) => turn.message_id));
  return [...past, ...shown.filter((turn) => !told.has(turn.messageId))];
}

function mergeTurn(shown: Turn | undefined, past: PastTurn): Turn {
  return {
    messageId: past.message_id,
    text: past.text,
    sentAt: Date.parse(past.received_at),
    delivery: "sent",
    detail: null,
    answer: past.answer ?? shown?.answer ?? null,
    file: shown?.file ?? past.file,
  };
}

/** The turns with an answer put in place; null when no turn has that id. */
export function withAnswer(turns: readonly Turn[], messageId: string, answer: Answer): Turn[] | null {
  if (!turns.some((turn) => turn.messageId === messageId)) return null;
  return turns.map((turn) => (turn.messageId === messageId ? { ...turn, delivery: "sent", answer } : turn));
}

/** The quick replies that may be pressed now: those of the newest answer, when nothing was said since. */
export function activeButtons(turns: readonly Turn[]): Button[] {
  return turns.at(-1)?.answer?.replies.flatMap((reply) => reply.buttons) ?? [];
}

/** What a turn shows as the citizen's words: for a pressed quick reply what stood on it, not what it sent. */
export function spoken(turns: readonly Turn[], index: number): string {
  const text = turns[index]?.text ?? "";
  const offered = turns[index - 1]?.answer?.replies.flatMap((reply) => reply.buttons) ?? [];
  return offered.find((button) => button.payload === text)?.title ?? text;
}
