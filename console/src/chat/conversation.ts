import { computed, shallowReactive } from "vue";
import { randomId } from "../shared/ids";
import type { KeyValues } from "../shared/storage";
import type { Chosen } from "./files";
import type { Answer, Connection, Delivery, Feed, Line, Outgoing, Person, Remark, Turn } from "./model";
import * as network from "./network";
import { Outbox } from "./outbox";
import { momentAfter, withNews } from "./remarks";
import { keepSession, newSession, openSession, parse, SESSION_KEY, type Session } from "./session";
import { type Listener, Transport } from "./transport";
import { activeButtons, merge, turnOf, withAnswer } from "./turns";
import { type Sender, Uploads } from "./uploads";

/** What the page shows. */
interface View {
  turns: Turn[];
  remarks: Remark[];
  /** A person the citizen waits for or talks to. */
  person: Person | null;
  /** How many files a reload of the page has lost. */
  lostFiles: number;
  connection: Connection;
  line: Line;
  /** Someone is working on an answer. */
  typing: boolean;
  /** What was said before is known, or turned out not to be there. */
  loaded: boolean;
}

/** One citizen's conversation: what is shown, what is kept, what is sent. Tabs of one browser share it. */
export class Conversation {
  readonly view: View = shallowReactive({
    turns: [],
    remarks: [],
    person: null,
    lostFiles: 0,
    connection: "connecting",
    line: "citizen",
    typing: false,
    loaded: false,
  });
  readonly buttons = computed(() => activeButtons(this.view.turns));
  readonly unsent = computed(() => this.view.turns.filter((turn) => !turn.answer && turn.delivery !== "refused").length);

  readonly uploads: Uploads;

  private session: Session;
  private outbox: Outbox;
  private transport: Transport;
  /** What was told while the same was being fetched. */
  private newer: Feed | null = null;
  private readonly tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("lianxinqiao");

  /** `news` is called when something was said unasked; `tab` keeps what only this tab knows. */
  constructor(
    private readonly storage: KeyValues,
    tab: KeyValues,
    private readonly news: () => void,
  ) {
    const isAwaited = (id: string): boolean => new Outbox(storage, id).all().length > 0;
    this.session = openSession(storage, Date.now(), isAwaited);
    this.outbox = new Outbox(storage, this.session.id);
    this.transport = this.newTransport();
    this.uploads = this.newUploads(tab);
    this.show();
  }

  /** Connect, and listen to the network, the other tabs and the citizen's coming back. */
  start(): void {
    this.transport.start();
    void this.lookForLost();
    window.addEventListener("beforeunload", (event) => {
      if (this.uploads.progress.size > 0) event.preventDefault();
    });
    for (const change of ["online", "offline"]) window.addEventListener(change, () => this.transport.check());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.transport.check();
    });
    window.addEventListener("storage", (event) => this.followOtherTab(event));
    this.tabs?.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (event.data === this.session.id) this.catchUp().catch(() => undefined);
    });
  }

  say(text: string): void {
    const message = this.newMessage(text.trim());
    this.outbox.put(message);
    this.view.turns = [...this.view.turns, turnOf(message)];
    this.touch();
    this.transport.flush();
  }

  /** Send a file; it is a message of its own. */
  send({ file, kind }: Chosen): void {
    const message = this.newMessage("");
    const shown = { kind, url: URL.createObjectURL(file), isHere: true };
    this.view.turns = [...this.view.turns, turnOf(message, shown)];
    this.touch();
    this.uploads.add({ messageId: message.messageId, line: message.line, file, kind });
  }

  /** Do not send a file that is on its way. */
  cancel(messageId: string): void {
    this.uploads.cancel(messageId);
    this.view.turns = this.view.turns.filter((turn) => turn.messageId !== messageId);
  }

  useLine(line: Line): void {
    this.view.line = line;
    this.touch();
  }

  /** Leave this conversation, unsent messages too, and begin a new one. */
  restart(): void {
    this.outbox.clear();
    this.enter(newSession(this.storage, Date.now()));
  }

  private followOtherTab(event: StorageEvent): void {
    if (event.key !== SESSION_KEY) return;
    const session = parse(event.newValue);
    if (session && session.id !== this.session.id) this.enter(session);
  }

  private enter(session: Session): void {
    this.transport.stop();
    this.uploads.clear();
    this.session = session;
    this.outbox = new Outbox(this.storage, session.id);
    this.transport = this.newTransport();
    this.show();
    this.transport.start();
    this.catchUp().catch(() => undefined);
  }

  private show(): void {
    this.view.turns = this.outbox.all().map((message) => turnOf(message));
    this.view.remarks = [];
    this.view.person = null;
    this.view.lostFiles = 0;
    this.view.line = this.session.line;
    this.view.typing = false;
    this.view.loaded = false;
  }

  private touch(): void {
    this.session = { ...this.session, line: this.view.line, usedAt: Date.now() };
    keepSession(this.storage, this.session);
    this.view.lostFiles = 0;
  }

  private newMessage(text: string): Outgoing {
    const sentAt = momentAfter(this.view.turns, this.view.remarks, Date.now());
    return { messageId: randomId(), text, line: this.view.line, sentAt };
  }

  private async lookForLost(): Promise<void> {
    const lost = this.uploads.lost();
    await this.catchUp().catch(() => undefined);
    const arrived = new Set(this.view.turns.map((turn) => turn.messageId));
    this.view.lostFiles = lost.filter((id) => !arrived.has(id)).length;
  }

  private async catchUp(): Promise<void> {
    const { id } = this.session;
    this.newer = null;
    try {
      const [history, feed] = await Promise.all([network.history(id), network.remarks(id)]);
      if (id !== this.session.id) return;
      for (const turn of history) if (turn.answer) this.uploads.arrived(turn.message_id);
      this.view.turns = merge(this.view.turns, history);
      const newest = this.newer ?? feed;
      this.take(newest, newest.remarks);
    } finally {
      if (id === this.session.id) this.view.loaded = true;
    }
  }

  private newTransport(): Transport {
    const { id } = this.session;
    const ports = {
      openSocket: () => network.openSocket(id),
      post: (message: Parameters<typeof network.post>[1]) => network.post(id, message),
      catchUp: () => this.catchUp(),
      hear: () => this.hear(),
      pending: () => this.outbox.all(),
      after,
      random: Math.random,
    };
    return new Transport(ports, this.listener());
  }

  private newUploads(tab: KeyValues): Uploads {
    const ports = {
      send: (...given: Parameters<Sender>) => network.upload(this.session.id, ...given),
      after,
      random: Math.random,
    };
    const listener = {
      sending: (id: string) => this.change(id, { delivery: "sending", detail: null }),
      delayed: (id: string) => this.deliver(id, "retrying"),
      answered: (id: string, answer: Answer) => this.answered(id, answer),
      refused: (id: string, detail: string) => this.change(id, { delivery: "refused", detail }),
    };
    return new Uploads(ports, listener, tab);
  }

  private listener(): Listener {
    return {
      connection: (state) => this.connected(state),
      typing: () => {
        this.view.typing = true;
      },
      acknowledged: (id) => this.deliver(id, "sent"),
      delayed: (id) => this.deliver(id, "retrying"),
      answered: (id, answer) => this.answered(id, answer),
      told: (feed) => this.told(feed),
      refused: (id, detail) => this.refused(id, detail),
    };
  }

  private connected(state: Connection): void {
    if (state === "online" && this.view.connection !== "online") this.uploads.flush();
    this.view.connection = state;
    if (state !== "online") this.view.typing = false;
    if (state !== "offline") return;
    for (const message of this.outbox.all()) this.deliver(message.messageId, "retrying");
  }

  private async hear(): Promise<void> {
    const { id } = this.session;
    const feed = await network.remarks(id);
    if (id === this.session.id) this.told(feed);
  }

  private told(feed: Feed): void {
    this.newer = feed;
    this.take(feed, withNews(this.view.remarks, feed.remarks, this.view.loaded ? this.view.turns : []));
  }

  private take({ person }: Feed, remarks: Remark[]): void {
    const isNew = remarks.length > this.view.remarks.length;
    this.view.person = person;
    this.view.remarks = remarks;
    if (isNew && this.view.loaded) this.news();
  }

  private answered(id: string, answer: Answer): void {
    this.view.typing = false;
    this.view.turns = withAnswer(this.view.turns, id, answer) ?? this.fromOtherTab(id, answer);
    this.outbox.remove(id);
    this.tabs?.postMessage(this.session.id);
  }

  /** A message another tab left in the outbox was sent from here. */
  private fromOtherTab(id: string, answer: Answer): Turn[] {
    const message = this.outbox.find(id);
    return message ? [...this.view.turns, { ...turnOf(message), delivery: "sent", answer }] : this.view.turns;
  }

  private refused(id: string, detail: string): void {
    this.view.typing = false;
    this.outbox.remove(id);
    this.change(id, { delivery: "refused", detail });
  }

  private deliver(id: string, delivery: Delivery): void {
    this.change(id, { delivery });
  }

  private change(id: string, change: Partial<Turn>): void {
    this.view.turns = this.view.turns.map((turn) => (turn.messageId === id ? { ...turn, ...change } : turn));
  }
}

function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}
