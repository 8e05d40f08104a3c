import { computed, shallowReactive } from "vue";
import { randomId } from "../shared/ids";
import type { KeyValues } from "../shared/storage";
import type { Answer, Connection, Delivery, Line, Turn } from "./model";
import * as network from "./network";
import { Outbox } from "./outbox";
import { keepSession, newSession, openSession, parse, SESSION_KEY, type Session } from "./session";
import { type Listener, Transport } from "./transport";
import { activeButtons, merge, turnOf, withAnswer } from "./turns";

/** What the page shows. */
interface View {
  turns: Turn[];
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
    connection: "connecting",
    line: "citizen",
    typing: false,
    loaded: false,
  });
  readonly buttons = computed(() => activeButtons(this.view.turns));
  readonly unsent = computed(() => this.view.turns.filter((turn) => !turn.answer && turn.delivery !== "refused").length);

  private session: Session;
  private outbox: Outbox;
  private transport: Transport;
  private readonly tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("lianxinqiao");

  constructor(private readonly storage: KeyValues) {
    const isAwaited = (id: string): boolean => new Outbox(storage, id).all().length > 0;
    this.session = openSession(storage, Date.now(), isAwaited);
    this.outbox = new Outbox(storage, this.session.id);
    this.transport = this.newTransport();
    this.show();
  }

  /** Connect, and listen to the network, the other tabs and the citizen's coming back. */
  start(): void {
    this.transport.start();
    this.catchUp().catch(() => undefined);
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
    const message = { messageId: randomId(), text: text.trim(), line: this.view.line, sentAt: Date.now() };
    this.outbox.put(message);
    this.view.turns = [...this.view.turns, turnOf(message)];
    this.touch();
    this.transport.flush();
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
    this.session = session;
    this.outbox = new Outbox(this.storage, session.id);
    this.transport = this.newTransport();
    this.show();
    this.transport.start();
    this.catchUp().catch(() => undefined);
  }

  private show(): void {
    this.view.turns = this.outbox.all().map(turnOf);
    this.view.line = this.session.line;
    this.view.typing = false;
    this.view.loaded = false;
  }

  private touch(): void {
    this.session = { ...this.session, line: this.view.line, usedAt: Date.now() };
    keepSession(this.storage, this.session);
  }

  private async catchUp(): Promise<void> {
    const { id } = this.session;
    try {
      const history = await network.history(id);
      if (id === this.session.id) this.view.turns = merge(this.view.turns, history);
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
      pending: () => this.outbox.all(),
      after: (ms: number, act: () => void) => {
        const timer = setTimeout(act, ms);
        return () => clearTimeout(timer);
      },
      random: Math.random,
    };
    return new Transport(ports, this.listener());
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
      refused: (id, detail) => this.refused(id, detail),
    };
  }

  private connected(state: Connection): void {
    this.view.connection = state;
    if (state !== "online") this.view.typing = false;
    if (state !== "offline") return;
    for (const message of this.outbox.all()) this.deliver(message.messageId, "retrying");
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

