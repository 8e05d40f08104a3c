import type { Gather } from "./twiml";

export type Pressed = { taken: string; done: boolean };

/** What a Gather makes of one more key after `taken`: with `done` it hands `taken` over. */
export function press(gather: Pick<Gather, "numDigits" | "finishOnKey">, taken: string, key: string): Pressed {
  if (gather.finishOnKey !== "" && key === gather.finishOnKey) return { taken, done: true };
  const longer = taken + key;
  return { taken: longer, done: longer.length >= gather.numDigits };
}
