/** What the seat's page and the server tell each other (`intake/handover/routes.py`). */

export type State = "waiting" | "talking" | "ended";
export type Ending = "citizen" | "handed_back" | "closed" | "silent" | "nobody";
export type Who = "citizen" | "bot" | "seat" | "system";

/** A conversation a person is asked for in. Moments are ISO 8601. */
export interface Handover {
  id: number;
  channel: string;
  line: string;
  state: State;
  asked_at: string;
  spoken_at: string;
  seat: string | null;
  taken_at: string | null;
  how: Ending | null;
}

export interface Chats {
  now: string;
  chats: Handover[];
  canned: Record<string, string>;
}

export interface File {
  id: string;
  kind: "picture" | "video" | "voice";
}

export interface Saying {
  id: string;
  at: string;
  who: Who;
  login: string | null;
  text: string;
  file: File | null;
}

export interface Understood {
  field: string;
  label: string;
  value: string;
}

/** What a work order is asked to say; of `NewWorkOrder` what a seat fills in. */
export interface Matter {
  text: string;
  category: string | null;
  nature: string | null;
  area_code: string | null;
  place: string | null;
  occurred: string | null;
  contact_name: string | null;
  contact_phone: string | null;
  company_name: string | null;
  credit_code: string | null;
  confidential: boolean;
}

export interface Chat {
  handover: Handover;
  sayings: Saying[];
  understood: Understood[];
  draft: Partial<Matter> | null;
  orders: string[];
}

export interface Category {
  id: string;
  name: string;
}

export interface Area {
  code: string;
  name: string;
}
