import { shallowReactive } from "vue";
import type { KeyValues } from "../shared/storage";
import type { Turn } from "./model";
import { fill, spoken } from "./texts";

/** What lets a citizen see an order: its number, and the phone's last four digits or the query code. */
export interface Key {
  number: string;
  proof: string;
}

export type Light = "green" | "yellow" | "orange" | "red";

export interface Step {
  at: string;
  kind: string;
  text: string;
}

/** An order as `POST /api/progress` tells it. */
export interface Followed {
  number: string;
  line: string;
  category_name: string | null;
  unit: string | null;
  state: string;
  state_name: string;
  reply: string | null;
  outcome_name: string | null;
  created_at: string;
  updated_at: string;
  light: Light | null;
  due: string | null;
  history: Step[];
  may_rate: boolean;
}

/** What a citizen answers when they rate an order, as `POST /api/rating` takes it. */
export interface Rating {
  solved: boolean;
  satisfied: boolean;
  service_satisfied: boolean | null;
  enterprise_satisfied: boolean | null;
  note: string | null;
}

/** `tooLate`: it was rated before, or there is nothing to rate. */
export type Rated = "taken" | "tooLate" | "failed";

export type Trouble = "notFound" | "tooMany" | "unreachable";

/** The server told us why not, or could not be reached. */
export class NotTold extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble);
  }
}

/** One order on the page; `order` is null until it was told for the first time. */
export interface Entry {
  key: Key;
  order: Followed | null;
  trouble: Trouble | null;
  /** It is of no conversation of this page: the citizen looked for it. */
  added: boolean;
}

/** The world outside; tests put in their own. */
export interface Ports {
  /** Rejects with NotTold. */
  ask(key: Key): Promise<Followed>;
  rate(key: Key, rating: Rating): Promise<Rated>;
  /** Run `act` later; returns how to call it off. */
  after(ms: number, act: () => void): () => void;
  now(): number;
}

const KEPT = "lianxinqiao.orders";
const SOON_MS = 15_000;
const SELDOM_MS = 180_000;
const SLOWER = 1.5;
const MOST_ADDED = 20;
const ENDED = new Set(["closed", "rejected", "merged", "withdrawn"]);

export const isOpen = (order: Followed): boolean => !ENDED.has(order.state);

/** The citizen's orders: those of the conversation, and those they looked for. They are asked after while looked at. */
export class Orders {
  readonly view = shallowReactive<{ entries: Entry[]; askedAt: number | null }>({ entries: [], askedAt: null });

  private stopLater: (() => void) | null = null;
  private pause = SOON_MS;
  private watched = false;

  constructor(
    private readonly ports: Ports,
    private readonly storage: KeyValues,
  ) {
    this.view.entries = keptKeys(storage).map((key) => entryOf(key, true));
  }

  /** List what the conversation has opened, and no more what another one had. */
  follow(turns: readonly Turn[]): void {
    const opened = keysIn(turns);
    const known = new Map(this.view.entries.map((entry) => [entry.key.number, entry]));
    const numbers = new Set(opened.map((key) => key.number));
    const added = this.view.entries.filter((entry) => entry.added && !numbers.has(entry.key.number));
    const mine = opened.map((key) => known.get(key.number) ?? entryOf(key, false));
    const listed = [...mine, ...added];
    const isSame = listed.length === known.size && listed.every((entry) => known.get(entry.key.number) === entry);
    if (isSame) return;
    this.view.entries = listed;
    if (this.watched) void this.refresh();
  }

  /** Look for an order; rejects with NotTold. False: it is listed already. */
  async add(key: Key): Promise<boolean> {
    const order = await this.ports.ask(key);
    if (this.view.entries.some((entry) => entry.key.number === order.number)) return false;
    const entry = { ...entryOf({ number: order.number, proof: key.proof }, true), order };
    this.view.entries = [entry, ...this.view.entries];
    this.keep();
    return true;
  }

  /** List all of these, those that are not listed yet first; each can be asked for again with the same proof. */
  addAll(found: readonly Followed[], proof: string): void {
    const listed = new Set(this.view.entries.map((entry) => entry.key.number));
    const more = found.filter((order) => !listed.has(order.number));
    this.view.entries = [
      ...more.map((order) => ({ ...entryOf({ number: order.number, proof }, true), order })),
      ...this.view.entries,
    ];
    this.keep();
  }

  forget(number: string): void {
    this.view.entries = this.view.entries.filter((entry) => entry.key.number !== number);
    this.keep();
  }

  /** Leave all of them: the conversation is left. */
  clear(): void {
    this.view.entries = [];
    this.keep();
  }

  async rate(key: Key, rating: Rating): Promise<Rated> {
    const rated = await this.ports.rate(key, rating);
    if (rated !== "failed") await this.ask(key);
    return rated;
  }

  /** Ask now, and again and again: seldom while nothing changes. */
  watch(): void {
    this.watched = true;
    this.pause = SOON_MS;
    void this.refresh();
  }

  unwatch(): void {
    this.watched = false;
    this.stopLater?.();
    this.stopLater = null;
  }

  async refresh(): Promise<void> {
    this.stopLater?.();
    this.stopLater = null;
    const before = stamps(this.view.entries);
    // A wrong proof is counted by the server: what was not found is not asked for again by itself.
    const asked = this.view.entries.filter((entry) => entry.trouble === null || entry.trouble === "unreachable");
    await Promise.all(asked.map((entry) => this.ask(entry.key)));
    this.view.askedAt = this.ports.now();
    const changed = before !== stamps(this.view.entries);
    this.pause = changed ? SOON_MS : Math.min(SELDOM_MS, this.pause * SLOWER);
    if (this.watched && this.stopLater === null) {
      this.stopLater = this.ports.after(this.pause, () => void this.refresh());
    }
  }

  private async ask(key: Key): Promise<void> {
    try {
      this.change(key.number, { order: await this.ports.ask(key), trouble: null });
    } catch (error) {
      this.change(key.number, { trouble: error instanceof NotTold ? error.trouble : "unreachable" });
    }
  }

  private change(number: string, change: Partial<Entry>): void {
    this.view.entries = this.view.entries.map((entry) => (entry.key.number === number ? { ...entry, ...change } : entry));
  }

  private keep(): void {
    const keys = this.view.entries.filter((entry) => entry.added).map((entry) => entry.key);
    try {
      this.storage.setItem(KEPT, JSON.stringify(keys.slice(0, MOST_ADDED)));
    } catch {
      // No room: they are listed as long as the page is open.
    }
  }
}

/** A step of one of the orders. */
export interface Moment extends Step {
  order: Followed;
}

/** The steps of all orders, the newest first. */
export function timeline(entries: readonly Entry[]): Moment[] {
  const orders = entries.map((entry) => entry.order).filter((order) => order !== null);
  const moments = orders.flatMap((order) => order.history.map((step) => ({ ...step, order })));
  return moments.reverse().sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** The orders a conversation has opened or joined; the newest first. */
export function keysIn(turns: readonly Turn[]): Key[] {
  const told = turns.map((turn) => turn.answer?.work_order).filter((order) => order?.query_code);
  const keys = told.map((order) => ({ number: order?.number ?? "", proof: order?.query_code ?? "" }));
  return [...new Map(keys.map((key) => [key.number, key])).values()].reverse();
}

/** What the page says to the hotline to have something done with an order. */
export function request(act: "expedite" | "supplement" | "withdraw", { number, proof }: Key): string {
  const named = fill(proof.length === 4 ? spoken.tail : spoken.code, { proof });
  return fill(spoken[act], { number, proof: named });
}

/** A number as people write it, with full-width digits, spaces and dashes, or null when it cannot be one. */
export function numberIn(written: string): string | null {
  const digits = written.normalize("NFKC").replace(/[\s\-‐–—]/g, "");
  return /^\d{14}$/.test(digits) ? `${digits.slice(0, 8)}-${digits.slice(8)}` : null;
}

/** The last four digits of a phone, or a query code; null for anything else. */
export function proofIn(written: string): string | null {
  const digits = written.normalize("NFKC").replace(/\s/g, "");
  return /^(\d{4}|\d{6})$/.test(digits) ? digits : null;
}

/** The last four digits of a phone as people write it. */
export function tailOf(phone: string): string {
  return phone.normalize("NFKC").replace(/\D/g, "").slice(-4);
}

function entryOf(key: Key, added: boolean): Entry {
  return { key, order: null, trouble: null, added };
}

function stamps(entries: readonly Entry[]): string {
  return entries.map(({ order, trouble }) => `${order?.updated_at} ${order?.light} ${trouble}`).join();
}

function keptKeys(storage: KeyValues): Key[] {
  try {
    const kept = JSON.parse(storage.getItem(KEPT) ?? "[]") as Partial<Key>[];
    return kept.filter((key): key is Key => typeof key?.number === "string" && typeof key.proof === "string");
  } catch {
    return [];
  }
}
