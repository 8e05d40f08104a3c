import type { Answer, Outgoing, PastTurn } from "./model";
import { Refusal, type Socket } from "./transport";

const WITHIN_MS = 12_000;
/** Client errors that say "later", not "never". */
const PASSING = new Set([408, 425, 429]);

export function openSocket(sessionId: string): Socket {
  const url = new URL("chat/ws", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("session_id", sessionId);
  return new WebSocket(url) as unknown as Socket;
}

export async function post(sessionId: string, message: Outgoing): Promise<Answer> {
  const body = { session_id: sessionId, message_id: message.messageId, text: message.text, line: message.line };
  const response = await request("chat/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return (await response.json()) as Answer;
  if (response.status >= 400 && response.status < 500 && !PASSING.has(response.status)) {
    throw new Refusal(await detailOf(response));
  }
  throw new Error(`status ${response.status}`);
}

export async function history(sessionId: string): Promise<PastTurn[]> {
  const response = await request(`chat/history?session_id=${encodeURIComponent(sessionId)}`, { cache: "no-store" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()) as PastTurn[];
}

async function request(path: string, init: RequestInit): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), WITHIN_MS);
  try {
    return await fetch(new URL(path, document.baseURI), { ...init, signal: abort.signal });
  } finally {
    clearTimeout(timer);
  }
}

async function detailOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { detail?: unknown };
    return typeof problem.detail === "string" ? problem.detail : "";
  } catch {
    return "";
  }
}
