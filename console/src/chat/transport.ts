import { backoffMs } from "../shared/backoff";
import type { Answer, Connection, Feed, Outgoing } from "./model";
import { feedOf, type ToldFeed } from "./remarks";

/** The part of a browser's WebSocket that is used here. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((frame: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(frame: string): void;
  close(): void;
}

/** The world outside; tests put in their own. */
export interface Ports {
  openSocket(): Socket;
  /** Resolves with the answer; rejects with Refusal when the message can never be accepted, else with any error. */
  post(message: Outgoing): Promise<Answer>;
  /** Fetch what was said while we were away; rejects when the server cannot be reached. */
  catchUp(): Promise<void>;
  /** Ask for what is said unasked; rejects when the server cannot be reached. */
  hear(): Promise<void>;
  /** Messages without an answer, oldest first. */
  pending(): Outgoing[];
  /** Run `act` later; returns how to call it off. */
  after(ms: number, act: () => void): () => void;
  random(): number;
}

export interface Listener {
  connection(state: Connection): void;
  typing(): void;
  acknowledged(messageId: string): void;
  answered(messageId: string, answer: Answer): void;
  /** Something was said unasked. */
  told(feed: Feed): void;
  /** The server is there but could not take the message; it is sent again. */
  delayed(messageId: string): void;
  refused(messageId: string, detail: string): void;
}

/** The server will never accept this message as it is. */
export class Refusal extends Error {}

const PING_EVERY_MS = 20_000;
const SILENCE_MS = 10_000;
/** When there is reason to doubt the connection. */
const DOUBTFUL_SILENCE_MS = 3_000;
/** The server's own budget is 3 s a message; far beyond that the connection is dead whatever the browser says. */
const ANSWER_WITHIN_MS = 8_000;
const OPEN_WITHIN_MS = 8_000;
const RETRY_REFUSED_MS = 5_000;
const FAILURES_BEFORE_POST = 2;
/** Without a WebSocket nobody tells us. */
const HEAR_EVERY_MS = 4_000;

type Timer = "hear" | "open" | "reconnect" | "ping" | "silence" | "answer" | "retry";

/**
 * Brings pending messages to the server and answers back.
 *
 * It holds no message itself: whatever `pending()` lists is sent, over each new connection again with the same id,
 * until the listener has taken the answer and the message is pending no more. A WebSocket is tried first; after two
 * failures in a row messages go by POST, while the WebSocket is tried again with growing pauses.
 */
export class Transport {
  private socket: Socket | null = null;
  private open = false;
  private failures = 0;
  private posting = false;
  private stopped = true;
  private readonly inFlight = new Set<string>();
  private readonly timers = new Map<Timer, () => void>();

  constructor(
    private readonly ports: Ports,
    private readonly listener: Listener,
  ) {}

  start(): void {
    this.stopped = false;
    this.listener.connection("connecting");
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
    for (const timer of [...this.timers.keys()]) this.cancel(timer);
  }

  /** Send what is pending, by the way that is open. */
  flush(): void {
    if (this.stopped) return;
    if (this.open) this.sendPending();
    else if (this.failures >= FAILURES_BEFORE_POST) void this.postPending();
  }

  /** The network changed or the page is looked at again: do not wait for the next try. */
  check(): void {
    if (this.stopped) return;
    if (this.open) this.ping(DOUBTFUL_SILENCE_MS);
    else if (this.timers.has("reconnect")) this.connect();
  }

  private connect(): void {
    this.cancel("reconnect");
    this.inFlight.clear();
    const socket = this.newSocket();
    if (socket === null) return this.lost();
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (frame) => this.received(frame.data);
    socket.onclose = () => this.lost();
    this.set("open", OPEN_WITHIN_MS, () => this.lost());
  }

  private newSocket(): Socket | null {
    try {
      return this.ports.openSocket();
    } catch {
      return null;
    }
  }

  private opened(): void {
    this.cancel("open");
    this.cancel("hear");
    this.open = true;
    this.failures = 0;
    this.listener.connection("online");
    this.pingLater();
    this.ports.catchUp().catch(() => undefined);
    this.sendPending();
  }

  private lost(): void {
    this.drop();
    this.failures += 1;
    this.set("reconnect", backoffMs(this.failures, this.ports.random), () => this.connect());
    if (this.failures < FAILURES_BEFORE_POST) return;
    this.ports.catchUp().then(
      () => this.reachable(),
      () => this.unreachable(),
    );
  }

  private reachable(): void {
    if (this.stopped) return;
    this.listener.connection("online");
    if (!this.open) this.set("hear", HEAR_EVERY_MS, () => this.hear());
    this.flush();
  }

  private hear(): void {
    this.ports.hear().then(
      () => this.reachable(),
      () => this.unreachable(),
    );
  }

  private unreachable(): void {
    if (!this.stopped && !this.open) this.listener.connection("offline");
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.open = false;
    this.inFlight.clear();
    for (const timer of ["open", "ping", "silence", "answer", "retry"] as const) this.cancel(timer);
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private sendPending(): void {
    for (const message of this.ports.pending()) {
      if (this.inFlight.has(message.messageId)) continue;
      this.inFlight.add(message.messageId);
      this.socket?.send(
        JSON.stringify({ type: "message", message_id: message.messageId, text: message.text, line: message.line }),
      );
    }
    this.expectAnswer();
  }

  private async postPending(): Promise<void> {
    if (this.posting) return;
    this.posting = true;
    try {
      for (let next = this.ports.pending()[0]; next && !this.stopped; next = this.ports.pending()[0]) {
        await this.post(next);
      }
    } catch {
      this.unreachable();
    } finally {
      this.posting = false;
    }
  }

  private async post(message: Outgoing): Promise<void> {
    this.listener.typing();
    try {
      const answer = await this.ports.post(message);
      if (this.stopped) return;
      this.listener.connection("online");
      this.listener.answered(message.messageId, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.listener.refused(message.messageId, error.message);
    }
  }

  private received(data: unknown): void {
    this.cancel("silence");
    this.pingLater();
    const frame = parse(data);
    const id = typeof frame?.message_id === "string" ? frame.message_id : "";
    if (frame?.type === "typing") this.begun();
    if (frame?.type === "ack") this.listener.acknowledged(id);
    if (frame?.type === "remarks") this.listener.told(feedOf(frame as unknown as ToldFeed));
    if (frame?.type === "answer") this.settled(id, () => this.listener.answered(id, frame as unknown as Answer));
    if (frame?.type === "error") this.failed(id, String(frame.detail ?? ""), frame.retryable === true);
  }

  private begun(): void {
    this.listener.typing();
    this.expectAnswer();
  }

  private failed(id: string, detail: string, retryable: boolean): void {
    if (!this.inFlight.has(id)) return;
    if (!retryable) return this.settled(id, () => this.listener.refused(id, detail));
    this.listener.delayed(id);
    this.cancel("answer");
    this.set("retry", RETRY_REFUSED_MS, () => {
      this.inFlight.clear();
      this.flush();
    });
  }

  private settled(id: string, tell: () => void): void {
    this.inFlight.delete(id);
    tell();
    this.expectAnswer();
  }

  private expectAnswer(): void {
    this.cancel("answer");
    if (this.inFlight.size > 0) this.set("answer", ANSWER_WITHIN_MS, () => this.lost());
  }

  private pingLater(): void {
    this.set("ping", PING_EVERY_MS, () => this.ping(SILENCE_MS));
  }

  private ping(silence: number): void {
    this.socket?.send(JSON.stringify({ type: "ping" }));
    this.set("silence", silence, () => this.lost());
  }

  private set(timer: Timer, ms: number, act: () => void): void {
    this.cancel(timer);
    const callOff = this.ports.after(ms, () => {
      this.timers.delete(timer);
      act();
    });
    this.timers.set(timer, callOff);
  }

  private cancel(timer: Timer): void {
    this.timers.get(timer)?.();
    this.timers.delete(timer);
  }
}

function parse(data: unknown): Record<string, unknown> | null {
  try {
    const frame: unknown = JSON.parse(String(data));
    return typeof frame === "object" && frame !== null ? (frame as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
