import { randomId } from "../shared/ids";
import type { Area, Chat, Matter } from "./model";

/** An order as it stands in the form: what is not told is empty. */
export type Form = { [Field in keyof Matter]: Matter[Field] extends boolean ? boolean : string };

/** An order while it is filled in and sent. */
export interface Filing {
  /** The same however often it is sent. */
  key: string;
  form: Form;
  busy: boolean;
  problem: string;
  /** Fields the server did not take. */
  wrong: readonly string[];
  /** The order, once it is opened. */
  number: string | null;
}

export const NATURES = ["咨询", "求助", "投诉", "举报", "建议", "表扬"];

/** The order the bot would have opened; where it had nothing, the citizen's own words. */
export function formOf(chat: Chat): Form {
  const { draft, sayings } = chat;
  const words = sayings.filter((saying) => saying.who === "citizen" && !saying.file).map((saying) => saying.text);
  return {
    text: draft?.text || words.join("\n"),
    category: draft?.category ?? "",
    nature: draft?.nature ?? "",
    area_code: draft?.area_code ?? "",
    place: draft?.place ?? "",
    occurred: draft?.occurred ?? "",
    contact_name: draft?.contact_name ?? "",
    contact_phone: draft?.contact_phone ?? "",
    company_name: draft?.company_name ?? "",
    credit_code: draft?.credit_code ?? "",
    confidential: draft?.confidential ?? false,
  };
}

/** Where orders came of the conversation already, the newest of them stands first: the same is not to be filed twice. */
export function filingOf(chat: Chat): Filing {
  const number = chat.orders.at(-1) ?? null;
  return { key: randomId(), form: formOf(chat), busy: false, problem: "", wrong: [], number };
}

/** What is left in the form for another matter of the same citizen. */
export function nextOf(form: Form): Pick<Filing, "key" | "form"> {
  return { key: randomId(), form: { ...form, text: "", category: "", nature: "", place: "", occurred: "" } };
}

/** What is sent of a form. */
export function matterOf(form: Form): Matter {
  const told = Object.entries(form).map(([field, value]) => [field, typeof value === "string" ? value.trim() || null : value]);
  return Object.fromEntries(told) as Matter;
}

/** Digits of the code of a county (or of the city), a town, a community (GB/T 2260, GB/T 10114). */
const LEVELS = [6, 9, 12];

/** One of the choices that lead to an area. */
export interface Choice {
  chosen: string;
  areas: Area[];
}

/** County, town, community: each once the one above it is chosen and has any. */
export function choicesOf(areas: readonly Area[], code: string): Choice[] {
  const choices: Choice[] = [];
  for (const [level, digits] of LEVELS.entries()) {
    const above = code.slice(0, LEVELS[level - 1] ?? 0);
    const below = areas.filter((area) => area.code.length === digits && area.code.startsWith(above));
    if (level > 0 && below.length === 0) break;
    choices.push({ chosen: code.length >= digits ? code.slice(0, digits) : "", areas: below });
    if (code.length < digits) break;
  }
  return choices;
}

/** The code after a choice; nothing chosen leaves what stands above. */
export function codeAfter(choices: readonly Choice[], level: number, picked: string): string {
  return picked || (choices[level - 1]?.chosen ?? "");
}
