/** TwiML as verbs this page can walk. */

export interface Said {
  text: string;
  /** 1 is the normal pace. */
  rate: number;
}

export type Spoken = { verb: "say"; said: Said } | { verb: "play"; url: string } | { verb: "pause"; seconds: number };

export interface Gather {
  verb: "gather";
  spoken: Spoken[];
  action: string;
  speech: boolean;
  keys: boolean;
  /** Seconds of silence after which it ends. */
  timeout: number;
  numDigits: number;
  finishOnKey: string;
  onEmpty: boolean;
}

export type Verb =
  | Spoken
  | Gather
  | { verb: "record"; action: string; maxLength: number }
  | { verb: "enqueue"; queue: string; action: string; waitUrl: string }
  | { verb: "dial"; action: string; number: string; room: boolean }
  | { verb: "redirect"; url: string }
  | { verb: "leave" }
  | { verb: "hangup" };

/** The verbs of a document. Throws Error with what is wrong with it. */
export function parsed(document: string, parser: DOMParser = new DOMParser()): Verb[] {
  const xml = parser.parseFromString(document, "application/xml");
  const root = xml.documentElement;
  if (xml.querySelector("parsererror") || root.tagName !== "Response") throw new Error("this is no TwiML");
  return Array.from(root.children, verbOf);
}

function verbOf(element: Element): Verb {
  const attribute = (name: string, otherwise = ""): string => element.getAttribute(name) ?? otherwise;
  const text = (element.textContent ?? "").trim();
  switch (element.tagName) {
    case "Say":
    case "Play":
    case "Pause":
      return spokenOf(element);
    case "Gather": {
      const input = attribute("input", "dtmf");
      return {
        verb: "gather",
        spoken: Array.from(element.children, spokenOf),
        action: attribute("action"),
        speech: input.includes("speech"),
        keys: input.includes("dtmf"),
        timeout: Number(attribute("timeout", "5")),
        numDigits: Number(attribute("numDigits", "1000")),
        finishOnKey: attribute("finishOnKey", "#"),
        onEmpty: attribute("actionOnEmptyResult") === "true",
      };
    }
    case "Record":
      return { verb: "record", action: attribute("action"), maxLength: Number(attribute("maxLength", "3600")) };
    case "Enqueue":
      return { verb: "enqueue", queue: text, action: attribute("action"), waitUrl: attribute("waitUrl") };
    case "Dial": {
      const target = element.firstElementChild;
      const number = (target?.textContent ?? text).trim();
      return { verb: "dial", action: attribute("action"), number, room: target?.tagName === "Conference" };
    }
    case "Redirect":
      return { verb: "redirect", url: text };
    case "Leave":
      return { verb: "leave" };
    case "Hangup":
      return { verb: "hangup" };
    default:
      throw new Error(`<${element.tagName}> is a verb this telephone does not know`);
  }
}

function spokenOf(element: Element): Spoken {
  switch (element.tagName) {
    case "Say":
      return { verb: "say", said: { text: wordsOf(element), rate: rateOf(element.querySelector("prosody")) } };
    case "Play":
      return { verb: "play", url: (element.textContent ?? "").trim() };
    case "Pause":
      return { verb: "pause", seconds: Number(element.getAttribute("length") ?? "1") };
    default:
      throw new Error(`<${element.tagName}> cannot be spoken`);
  }
}

/** The text; groups of digits stand apart, so that they can be read. */
function wordsOf(element: Element): string {
  return Array.from(element.childNodes, (node) => {
    if (node.nodeType === 3) return node.textContent ?? "";
    const child = node as Element;
    if (child.tagName === "break") return " ";
    return wordsOf(child);
  }).join("");
}

const RATES: Record<string, number> = { "x-slow": 0.6, slow: 0.8, medium: 1, fast: 1.2, "x-fast": 1.5 };

function rateOf(prosody: Element | null): number {
  const written = prosody?.getAttribute("rate") ?? "medium";
  return RATES[written] ?? (Number.parseFloat(written) / 100 || 1);
}

/** The document with a line for each element, for people to read. */
export function indented(document: string): string {
  let depth = 0;
  return document
    .replace(/<\?xml[^>]*\?>/, "")
    .replace(/>\s*</g, ">\n<")
    .split("\n")
    .map((line) => {
      if (line.startsWith("</")) depth -= 1;
      const shown = "  ".repeat(Math.max(0, depth)) + line;
      if (/^<[^/!][^>]*[^/]>$/.test(line) && !/<\/[^>]+>$/.test(line)) depth += 1;
      return shown;
    })
    .join("\n")
    .trim();
}
