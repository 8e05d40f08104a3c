import { fill } from "../citizen/language";
import type { Entry, Place } from "./model";
import words from "./snippet.json";

const LONGEST_BRIEF = 90;

/** The answer in a sentence or two. */
export function shortOf({ short, answer }: Pick<Entry, "short" | "answer">): string {
  if (short) return short;
  let brief = "";
  for (const [sentence] of answer.matchAll(/[^。！？\n]+[。！？]?/g)) {
    if (brief && brief.length + sentence.length > LONGEST_BRIEF) break;
    brief += sentence;
  }
  return brief;
}

/** All an entry answers, as plain lines. */
export function fullOf(entry: Entry): string {
  const { answer, steps, documents, fee, time, places } = entry;
  const parts: [keyof typeof words, string][] = [
    ["steps", steps.map((step, index) => `\n${index + 1}. ${step}`).join("")],
    ["documents", documents.join("；")],
    ["fee", fee],
    ["time", time],
    ["places", places.map((place) => `\n${placeOf(place)}`).join("")],
  ];
  const told = parts.filter(([, text]) => text).map(([name, text]) => fill(words[name], { text }));
  return [answer, ...told].join("\n");
}

/** A text of an entry with what it rests on. */
export function withSource(text: string, { source }: Pick<Entry, "source">): string {
  return source ? `${text}\n${fill(words.source, { text: source })}` : text;
}

function placeOf({ name, address, phone, hours }: Place): string {
  return [name, address, phone, hours].filter((part) => part).join("，");
}
