import { shallowReactive } from "vue";
import { backoffMs } from "../shared/backoff";
import type { KeyValues } from "../shared/storage";
import type { Chosen } from "./files";
import type { Answer, Line } from "./model";
import { Refusal } from "./transport";

/** A file on its way; a repeat bears the same id. */
export interface Upload extends Chosen {
  messageId: string;
  line: Line;
}

/** How far one is, as shown: `sent` from 0 to 1; `stopped` until the citizen wants it sent again. */
export interface Progress {
  sent: number;
  stopped: boolean;
}

/** The server does not take the file now, and might later. */
export class Later extends Error {}

/** Rejects with Refusal, with Later, or with any error when the connection is lost. */
export type Sender = (upload: Upload, progress: (sent: number) => void, abort: AbortSignal) => Promise<Answer>;

/** The world outside; tests put in their own. */
export interface Ports {
  send: Sender;
  /** Run `act` later; returns how to call it off. */
  after(ms: number, act: () => void): () => void;
  random(): number;
}

export interface Listener {
  sending(messageId: string): void;
  /** The connection was lost; the file is sent again. */
  delayed(messageId: string): void;
  answered(messageId: string, answer: Answer): void;
  /** It is not sent; `detail` is the server's reason, empty where there was no connection for long. */
  refused(messageId: string, detail: string): void;
}

const KEPT = "lianxinqiao.uploads";
const MOST_TRIES = 5;

/** Files on their way, one after the other. They are kept in memory: a reload loses what has not arrived. */
export class Uploads {
  readonly progress = shallowReactive(new Map<string, Progress>());

  private queue: Upload[] = [];
  private readonly stopped = new Map<string, Upload>();
  private failures = 0;
  private abort: AbortController | null = null;
  private callOff: (() => void) | null = null;

  constructor(
    private readonly ports: Ports,
    private readonly listener: Listener,
    private readonly tab: KeyValues,
  ) {}

  add(upload: Upload): void {
    this.queue.push(upload);
    this.show(upload.messageId, 0);
    this.keep();
    this.next();
  }

  /** Do not send it; where it is already with the server, the server keeps it. */
  cancel(messageId: string): void {
    const isSending = this.abort !== null && this.queue[0]?.messageId === messageId;
    this.forget(messageId);
    if (isSending) this.abort?.abort();
    this.next();
  }

  /** The server has it, as the history tells. */
  arrived(messageId: string): void {
    if (this.progress.has(messageId)) this.cancel(messageId);
  }

  /** Send one again that was stopped. */
  again(messageId: string): void {
    const found = this.stopped.get(messageId);
    if (!found) return;
    this.stopped.delete(messageId);
    this.listener.sending(messageId);
    this.add(found);
  }

  /** There may be a connection again. */
  flush(): void {
    this.callOff?.();
    this.callOff = null;
    this.next();
  }

  /** Leave all of them. */
  clear(): void {
    for (const messageId of [...this.progress.keys()]) this.cancel(messageId);
  }

  /** The ids of those that a reload of the page has lost; told once. */
  lost(): string[] {
    const kept = this.tab.getItem(KEPT) ?? "";
    this.tab.removeItem(KEPT);
    return kept.split(" ").filter(Boolean);
  }

  private next(): void {
    const upload = this.queue[0];
    if (!upload || this.abort || this.callOff) return;
    const abort = new AbortController();
    this.abort = abort;
    this.ports
      .send(upload, (sent) => this.show(upload.messageId, sent), abort.signal)
      .then((answer) => this.taken(upload.messageId, answer))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) this.failed(upload, error);
      })
      .finally(() => {
        this.abort = null;
        this.next();
      });
  }

  private taken(messageId: string, answer: Answer): void {
    this.failures = 0;
    this.forget(messageId);
    this.listener.answered(messageId, answer);
  }

  private failed(upload: Upload, error: unknown): void {
    const { messageId } = upload;
    if (error instanceof Refusal) {
      this.forget(messageId);
      this.listener.refused(messageId, error.message);
      return;
    }
    this.failures += 1;
    if (error instanceof Later || this.failures >= MOST_TRIES) {
      this.stop(upload);
      this.listener.refused(messageId, error instanceof Later ? error.message : "");
      return;
    }
    this.show(messageId, 0);
    this.listener.delayed(messageId);
    this.callOff = this.ports.after(backoffMs(this.failures, this.ports.random), () => this.flush());
  }

  private stop(upload: Upload): void {
    this.failures = 0;
    this.forget(upload.messageId);
    this.stopped.set(upload.messageId, upload);
    this.progress.set(upload.messageId, { sent: 0, stopped: true });
  }

  private show(messageId: string, sent: number): void {
    this.progress.set(messageId, { sent, stopped: false });
  }

  private forget(messageId: string): void {
    this.queue = this.queue.filter((upload) => upload.messageId !== messageId);
    this.stopped.delete(messageId);
    this.progress.delete(messageId);
    this.keep();
  }

  private keep(): void {
    try {
      this.tab.setItem(KEPT, this.queue.map((upload) => upload.messageId).join(" "));
    } catch {
      // No room: after a reload nobody says that they are lost.
    }
  }
}
