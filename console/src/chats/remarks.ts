import { shallowReactive } from "vue";
import { randomId } from "../shared/ids";
import { Refused } from "../shared/staff/api";
import type { KeyValues } from "../shared/storage";

const PREFIX = "lianxinqiao.remarks.";

/** A remark that was written and is not yet in the conversation. */
export interface Remark {
  key: string;
  chat: number;
  text: string;
  writtenAt: number;
  state: "sending" | "failed" | "refused" | "said";
  /** The server's own id of it, once it is said. */
  id: string | null;
}

type Say = (remark: Remark) => Promise<{ id: number }>;

/** Whether the same request may go through later. */
export function mayBeRetried(error: unknown): boolean {
  return !(error instanceof Refused) || error.status >= 500 || error.status === 429 || error.status === 401;
}

/**
 * What a seat has written, until it stands in the conversation. It survives a reload, each remark keeps its key, and in
 * one conversation the next is not sent before the one written earlier.
 */
export class Remarks {
  readonly view = shallowReactive({ all: [] as readonly Remark[] });
  private readonly prefix: string;
  private readonly busy = new Set<number>();

  constructor(
    private readonly storage: KeyValues,
    login: string,
    private readonly say: Say,
  ) {
    this.prefix = `${PREFIX}${login}.`;
    this.view.all = this.stored();
  }

  write(chat: number, text: string): void {
    const remark: Remark = { key: randomId(), chat, text, writtenAt: Date.now(), state: "sending", id: null };
    this.view.all = [...this.view.all, remark];
    this.keep(remark);
    void this.send(chat);
  }

  /** Try again what could not be sent, or what was refused and is wanted all the same. */
  retry(key: string): void {
    const remark = this.find(key);
    if (!remark) return;
    this.change(key, { state: "failed" });
    void this.send(remark.chat);
  }

  discard(key: string): void {
    this.view.all = this.view.all.filter((remark) => remark.key !== key);
    this.storage.removeItem(this.prefix + key);
  }

  /** Send what waits, in every conversation. */
  async flush(): Promise<void> {
    const waiting = this.view.all.filter(isWaiting).map((remark) => remark.chat);
    await Promise.all([...new Set(waiting)].map((chat) => this.send(chat)));
  }

  /** Let go of what now stands in the conversation; `ids` are of the remarks in it. */
  arrived(ids: ReadonlySet<string>): void {
    for (const { key, id } of this.view.all) if (id !== null && ids.has(id)) this.discard(key);
  }

  private async send(chat: number): Promise<void> {
    if (this.busy.has(chat)) return;
    this.busy.add(chat);
    try {
      for (let next = this.next(chat); next; next = this.next(chat)) if (!(await this.sent(next))) return;
    } finally {
      this.busy.delete(chat);
    }
  }

  /** False when what follows has to wait too. */
  private async sent(remark: Remark): Promise<boolean> {
    this.change(remark.key, { state: "sending" });
    try {
      const { id } = await this.say(remark);
      this.change(remark.key, { state: "said", id: String(id) });
      this.storage.removeItem(this.prefix + remark.key);
      return true;
    } catch (error) {
      const later = mayBeRetried(error);
      this.change(remark.key, { state: later ? "failed" : "refused" });
      return !later;
    }
  }

  private next(chat: number): Remark | undefined {
    return this.view.all.find((remark) => remark.chat === chat && isWaiting(remark));
  }

  private find(key: string): Remark | undefined {
    return this.view.all.find((remark) => remark.key === key);
  }

  private change(key: string, change: Partial<Remark>): void {
    this.view.all = this.view.all.map((remark) => (remark.key === key ? { ...remark, ...change } : remark));
  }

  private keep({ key, chat, text, writtenAt }: Remark): void {
    try {
      this.storage.setItem(this.prefix + key, JSON.stringify({ key, chat, text, writtenAt }));
    } catch {
      // No room: kept as long as the page is open.
    }
  }

  private stored(): Remark[] {
    const keys = Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index) ?? "");
    return keys
      .filter((key) => key.startsWith(this.prefix))
      .map((key) => ({ ...JSON.parse(this.storage.getItem(key) ?? "{}"), state: "failed", id: null }) as Remark)
      .sort((one, other) => one.writtenAt - other.writtenAt);
  }
}

function isWaiting(remark: Remark): boolean {
  return remark.state === "sending" || remark.state === "failed";
}
