import { computed, reactive, shallowReactive } from "vue";
import { backoffMs } from "../shared/backoff";
import { Refused } from "../shared/staff/api";
import * as staff from "../shared/staff/texts";
import type { KeyValues } from "../shared/storage";
import { Api } from "./api";
import type { Chime } from "./chime";
import type { Area, Category, Chat, Chats, Handover, Matter } from "./model";
import { type Filing, filingOf, matterOf, nextOf } from "./order";
import { calls, hasNews, neighbour, type Row, rowsOf } from "./queue";
import { Remarks } from "./remarks";
import * as texts from "./texts";

const PACE_MS = 2500;

/** What the page shows. */
interface View {
  login: string;
  /** Null until the queue was asked for. */
  chats: Handover[] | null;
  canned: Record<string, string>;
  /** When the queue was last told, by this machine's clock; `lost` while it cannot be. */
  toldAt: number;
  lost: boolean;
  /** By the clock of the house. */
  now: number;
  open: number | null;
  chat: Chat | null;
  /** Why the open conversation cannot be shown, or what went wrong with the last thing that was done. */
  problem: string;
  remarks: Remarks | null;
  categories: Category[];
  areas: Area[];
}

/** One seat's conversations: the queue, the open one, what is done with them. */
export class Desk {
  readonly view: View = shallowReactive({
    login: "",
    chats: null,
    canned: {},
    toldAt: 0,
    lost: false,
    now: Date.now(),
    open: null,
    chat: null,
    problem: "",
    remarks: null,
    categories: [],
    areas: [],
  });
  /** What is written and not sent, by conversation. */
  readonly written = reactive(new Map<number, string>());
  /** The order that is being filled in, by conversation. */
  readonly filings = reactive(new Map<number, Filing>());
  readonly rows = computed<Row[]>(() => rowsOf(this.view.chats ?? [], this.view.login, this.seen));
  readonly calling = computed(() => calls(this.rows.value));

  private api = new Api("");
  private readonly urls = new Map<string, Promise<string>>();
  private readonly seen = shallowReactive(new Map<number, string>());
  private ticker: Worker | null = null;
  private ahead = 0;
  private dueAt = 0;
  private failures = 0;
  private asking = false;

  constructor(
    private readonly storage: KeyValues,
    private readonly chime: Chime,
    /** Whether the open conversation is before the seat's eyes. */
    private readonly isRead: () => boolean,
    private readonly expired: () => void,
  ) {}

  /** Begin as whoever the token is of. Rejects as the server refuses. */
  async start(token: string): Promise<void> {
    this.api = new Api(token);
    const chats = await this.api.chats();
    const { name } = await this.api.me();
    if (name !== this.view.login) this.forget();
    this.view.login = name;
    [this.view.categories, this.view.areas] = await Promise.all([this.api.categories(), this.api.areas()]);
    this.view.remarks = new Remarks(this.storage, this.view.login, async ({ chat, key, text }) => {
      const said = await this.api.say(chat, key, text);
      if (chat === this.view.open) void this.read(chat);
      return said;
    });
    this.told(chats);
    this.ticker = new Worker(new URL("./ticker.worker.ts", import.meta.url), { type: "module" });
    this.ticker.onmessage = () => void this.tick();
  }

  stop(): void {
    this.ticker?.terminate();
    this.ticker = null;
    Object.assign(this.view, { chats: null, open: null, chat: null, problem: "", lost: false });
  }

  /** Show a conversation. */
  async open(id: number): Promise<void> {
    this.show(id);
    await this.read(id);
  }

  take(id: number): Promise<boolean> {
    return this.does(id, () => this.api.take(id), texts.problem.taken);
  }

  handBack(id: number): Promise<boolean> {
    return this.does(id, () => this.api.handBack(id), texts.problem.notYours);
  }

  close(id: number): Promise<boolean> {
    return this.does(id, () => this.api.close(id), texts.problem.notYours);
  }

  neighbour(step: 1 | -1, id: number | null): Row | undefined {
    return neighbour(this.rows.value, id, step);
  }

  /** Where a citizen's file is to be had; asked for once, as each look may be written down. */
  file(id: string): Promise<string> {
    const known = this.urls.get(id);
    if (known) return known;
    const url = this.api.attachment(id).then((blob) => URL.createObjectURL(blob));
    this.urls.set(id, url);
    url.catch(() => this.urls.delete(id));
    return url;
  }

  /** Open the order; sent again it bears the same key, and is the same order. */
  async fileOrder(id: number, filing: Filing): Promise<void> {
    Object.assign(filing, { busy: true, problem: "", wrong: [] });
    try {
      const { number } = await this.api.file(id, filing.key, matterOf(filing.form));
      Object.assign(filing, { number, ...nextOf(filing.form) });
    } catch (error) {
      filing.wrong = error instanceof Refused ? error.fields : [];
      filing.problem = this.reason(error, texts.problem.notYours);
    } finally {
      filing.busy = false;
      await this.read(id);
    }
  }

  /** Ask at once. */
  refresh(): Promise<void> {
    this.dueAt = 0;
    return this.tick();
  }

  private forget(): void {
    this.written.clear();
    this.filings.clear();
    this.seen.clear();
    for (const url of this.urls.values()) void url.then((made) => URL.revokeObjectURL(made)).catch(() => undefined);
    this.urls.clear();
  }

  private async does(id: number, act: () => Promise<Handover>, conflict: string): Promise<boolean> {
    this.show(id);
    const problem = await act().then(
      () => "",
      (error: unknown) => this.reason(error, conflict),
    );
    await this.read(id);
    if (problem && id === this.view.open) this.view.problem = problem;
    void this.refresh();
    return problem === "";
  }

  private show(id: number): void {
    if (this.view.open !== id) Object.assign(this.view, { open: id, chat: null });
    this.view.problem = "";
  }

  private async read(id: number): Promise<void> {
    try {
      const chat = await this.api.chat(id);
      if (id !== this.view.open) return;
      if (!this.view.chat) this.view.problem = "";
      this.view.chat = chat;
      if (isOwn(chat, this.view.login) && !this.filings.has(id)) this.filings.set(id, filingOf(chat));
      const said = chat.sayings.filter((saying) => saying.who === "seat");
      this.view.remarks?.arrived(new Set(said.map((saying) => saying.id)));
    } catch (error) {
      // The queue's own line tells of a lost connection, where something is shown already.
      if (id === this.view.open && (error instanceof Refused || !this.view.chat)) this.view.problem = this.reason(error);
    }
  }

  /** What to tell of an error; `conflict` where a conversation is not as the seat thought. A session that ended leads out. */
  private reason(error: unknown, conflict = ""): string {
    if (!(error instanceof Refused)) return staff.problem.network;
    const { status, message, fields } = error;
    if (status === 401) this.expired();
    if (status === 409 && conflict) return fields.length ? conflict : texts.problem.most;
    if (message.startsWith("Idempotency-Key")) return texts.problem.filedBefore;
    const labels = fields.filter((field) => field in texts.fields).map((field) => texts.fields[field as keyof Matter]);
    return labels.length ? texts.problem.wrong(labels.join("、")) : texts.problem.refused(status, message);
  }

  private async tick(): Promise<void> {
    this.view.now = Date.now() + this.ahead;
    if (this.asking || Date.now() < this.dueAt || !this.ticker) return;
    this.asking = true;
    try {
      const chats = await this.api.chats();
      if (this.ticker) this.told(chats);
    } catch (error) {
      if (this.ticker) this.notTold(error);
    } finally {
      this.asking = false;
    }
  }

  private told({ now, chats, canned }: Chats): void {
    const before = this.calling.value;
    const { open, chat } = this.view;
    const shown = chats.find((each) => each.id === open);
    if (shown && this.isRead()) this.seen.set(shown.id, shown.spoken_at);
    this.ahead = Date.parse(now) - Date.now();
    this.failures = 0;
    this.dueAt = Date.now() + PACE_MS;
    Object.assign(this.view, { chats, canned, lost: false, toldAt: Date.now(), now: Date.parse(now) });
    if (open !== null && chat?.handover.state !== "ended") void this.read(open);
    if (hasNews(before, this.calling.value)) this.chime.play();
    void this.view.remarks?.flush();
  }

  private notTold(error: unknown): void {
    if (error instanceof Refused && error.status === 401) return this.expired();
    this.failures += 1;
    this.dueAt = Date.now() + backoffMs(this.failures, Math.random);
    this.view.lost = true;
  }
}

/** Whether a seat may speak in a conversation. */
export function isOwn({ handover }: Chat, login: string): boolean {
  return handover.state === "talking" && handover.seat === login;
}
