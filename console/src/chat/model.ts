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

/** A turn as `GET /chat/history` tells it; `answer` is null while the message is being worked on. */
export interface PastTurn {
  message_id: string;
  text: string;
  received_at: string;
  answer: Answer | null;
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
}

export type Connection = "connecting" | "online" | "offline";

export const MAX_TEXT = 2000;
