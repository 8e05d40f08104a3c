/** What the knowledge base tells (`knowledge/shown.py`, `knowledge/routes.py`). */

export type Verdict = "answer" | "choice" | "unsure";

export interface Place {
  name: string;
  address: string;
  phone: string;
  hours: string;
  area: string;
}

/** One of the matters an entry leads through, and the entry that answers it. */
export interface Matter {
  title: string;
  entry: string;
}

/** An entry. What it does not say is empty; days are ISO 8601. */
export interface Entry {
  id: string;
  version: number;
  question: string;
  short: string;
  answer: string;
  steps: string[];
  documents: string[];
  fee: string;
  time: string;
  places: Place[];
  /** The texts it rests on, with their dates. */
  source: string;
  matters: Matter[];
  audience: "citizen" | "company" | "both";
  area: string;
  unit: string;
  effective: string | null;
  expires: string | null;
}

export interface Found {
  query: string;
  verdict: Verdict;
  /** How many of the first compete, where the verdict is a choice. */
  likely: number;
  results: Entry[];
}
