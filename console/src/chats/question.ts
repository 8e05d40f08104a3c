import type { Chat } from "./model";

/** A shorter message is a greeting or a command: 你好, 转人工, 谢谢您. */
const SHORTEST = 5;
/** 我的电话是…, 工单号是…: an answer, and nobody else's business. */
const NUMBER = /\d{5}/;

/** What the citizen asked last, as far as one can tell; empty when nothing. */
export function lastQuestion({ sayings }: Pick<Chat, "sayings">): string {
  const words = sayings.filter(({ who, file }) => who === "citizen" && !file).map(({ text }) => text.trim());
  return words.filter((text) => Array.from(text).length >= SHORTEST && !NUMBER.test(text)).at(-1) ?? "";
}
