/** What the chat page and the server tell each other, and what the page keeps. */

export type Line = "citizen" | "enterprise";

export interface Button {
  title: string;
  payload: string;
}

export interface Reply {
  text: string;
  buttons: Button[];
}

/** What a citizen may know of a work order. `query_code` comes only when the order has just been opened. */
export interface WorkOrder {
  number: string;
  query_code?: string | null;
  category_name?: string | null;
  line_name?: string | null;
  state_name?: string | null;
  unit?: string | null;
}

export interface Answer {
  replies: Reply[];
  work_order: WorkOrder | null;
  degraded: boolean;
}

export type Kind = "picture" | "video" | "voice";

/** A file of the citizen as the page shows it. */
export interface SentFile {
  kind: Kind;
  url: string;
  /** The address is of this page's memory: nothing need be fetched. */
  isHere: boolean;
}

/** A turn of `GET /chat/history`; `answer` is null while the message is being worked on, `file` unless it is one. */
export interface PastTurn {
  message_id: string;
  text: string;
  received_at: string;
  answer: Answer | null;
  file: SentFile | null;
}

/** What was said to the citizen unasked: by a person, by the house, or a notice of an order; `at` in ms. */
export interface Remark {
  id: string;
  author: "seat" | "system" | "notice";
  text: string;
  at: number;
  number: string | null;
}

/** A person of the hotline whom the citizen waits for, or talks to; `ahead`: how many wait before. */
export interface Person {
  state: "waiting" | "talking";
  ahead: number;
}

/** All that the server says unasked. */
export interface Feed {
  person: Person | null;
  remarks: Remark[];
}

/** A message that waits for its answer. It stays in the outbox until the answer is here. */
export interface Outgoing {
  messageId: string;
  text: string;
  line: Line;
  sentAt: number;
}

export type Delivery = "sending" | "sent" | "retrying" | "refused";

/** One message of the citizen with what was answered, as shown. */
export interface Turn {
  messageId: string;
  text: string;
  sentAt: number;
  delivery: Delivery;
  /** Why the server refused the message. */
  detail: string | null;
  answer: Answer | null;
  file: SentFile | null;
}

export type Connection = "connecting" | "online" | "offline";

export const MAX_TEXT = 2000;
