import { randomId } from "../shared/ids";
import type { KeyValues } from "../shared/storage";
import type { Line } from "./model";

export const SESSION_KEY = "lianxinqiao.session";
/** Left alone for so long, the conversation is not shown again: the device may be someone else's now. */
export const FORGET_AFTER_MS = 7 * 24 * 3600 * 1000;

/** The conversation this browser has with the hotline. Its id is the only key to the conversation. */
export interface Session {
  id: string;
  line: Line;
  usedAt: number;
}

/** The kept session, or a new one when there is none, or it is old and `isAwaited` does not want it. */
export function openSession(storage: KeyValues, now: number, isAwaited: (id: string) => boolean): Session {
  const kept = parse(storage.getItem(SESSION_KEY));
  if (kept && (now - kept.usedAt < FORGET_AFTER_MS || isAwaited(kept.id))) return kept;
  return newSession(storage, now);
}

export function newSession(storage: KeyValues, now: number): Session {
  const session: Session = { id: randomId(), line: "citizen", usedAt: now };
  keepSession(storage, session);
  return session;
}

export function keepSession(storage: KeyValues, session: Session): void {
  try {
    storage.setItem(SESSION_KEY, JSON.stringify(session));
  } catch {
    // No room: the session lives as long as the page.
  }
}

/** The session in a stored value, or null when the value is none. */
export function parse(stored: string | null): Session | null {
  try {
    const value = JSON.parse(stored ?? "null") as Partial<Session> | null;
    if (typeof value?.id !== "string" || typeof value.usedAt !== "number") return null;
    return { id: value.id, line: value.line === "enterprise" ? "enterprise" : "citizen", usedAt: value.usedAt };
  } catch {
    return null;
  }
}
