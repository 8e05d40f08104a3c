import type { KeyValues } from "../shared/storage";
import type { Outgoing } from "./model";

const PREFIX = "lianxinqiao.outbox.";

/**
 * The messages of one session that have no answer yet, oldest first; they survive a reload.
 *
 * Each message has its own key, so that two tabs writing at the same time lose nothing of each other.
 */
export class Outbox {
  private readonly unkept = new Map<string, Outgoing>();
  private readonly prefix: string;

  constructor(
    private readonly storage: KeyValues,
    sessionId: string,
  ) {
    this.prefix = `${PREFIX}${sessionId}.`;
  }

  put(message: Outgoing): void {
    try {
      this.storage.setItem(this.prefix + message.messageId, JSON.stringify(message));
    } catch {
      // No room: kept as long as the page is open.
      this.unkept.set(message.messageId, message);
    }
  }

  remove(messageId: string): void {
    this.unkept.delete(messageId);
    this.storage.removeItem(this.prefix + messageId);
  }

  find(messageId: string): Outgoing | null {
    return this.unkept.get(messageId) ?? parse(this.storage.getItem(this.prefix + messageId));
  }

  all(): Outgoing[] {
    const messages = [...this.unkept.values(), ...this.stored()];
    return messages.sort((a, b) => a.sentAt - b.sentAt);
  }

  clear(): void {
    for (const message of this.all()) this.remove(message.messageId);
  }

  private stored(): Outgoing[] {
    const keys = Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index) ?? "");
    return keys
      .filter((key) => key.startsWith(this.prefix))
      .map((key) => parse(this.storage.getItem(key)))
      .filter((message) => message !== null);
  }
}

function parse(stored: string | null): Outgoing | null {
  try {
    const value = JSON.parse(stored ?? "null") as Partial<Outgoing> | null;
    if (typeof value?.messageId !== "string" || typeof value.text !== "string") return null;
    return {
      messageId: value.messageId,
      text: value.text,
      line: value.line === "enterprise" ? "enterprise" : "citizen",
      sentAt: typeof value.sentAt === "number" ? value.sentAt : 0,
    };
  } catch {
    return null;
  }
}
