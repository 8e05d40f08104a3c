import type { Answer, Outgoing, PastTurn } from "./model";
import { type Followed, type Key, NotTold, type Rated, type Rating } from "./orders";
import type { Position } from "./place";
import { Refusal, type Socket } from "./transport";

/** Tiles in WGS-84 or CGCS2000, and where the map opens. */
export interface TileMap {
  tiles: string;
  attribution: string;
  centre: Position;
}

const WITHIN_MS = 12_000;
/** Client errors that say "later", not "never". */
const PASSING = new Set([408, 425, 429]);

/** No such order, wrong digits, or a proxy that does not cover it. */
const NOT_TOLD = new Set([403, 404, 422]);

export function openSocket(sessionId: string): Socket {
  const url = new URL("chat/ws", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("session_id", sessionId);
  return new WebSocket(url) as unknown as Socket;
}

export async function post(sessionId: string, message: Outgoing): Promise<Answer> {
  const body = { session_id: sessionId, message_id: message.messageId, text: message.text, line: message.line };
  const response = await send("chat/messages", body);
  if (response.ok) return (await response.json()) as Answer;
  if (response.status >= 400 && response.status < 500 && !PASSING.has(response.status)) {
    throw new Refusal(await detailOf(response));
  }
  throw new Error(`status ${response.status}`);
}

export async function history(sessionId: string): Promise<PastTurn[]> {
  return get<PastTurn[]>(`chat/history?session_id=${encodeURIComponent(sessionId)}`);
}

/** Rejects with NotTold. */
export async function progress(key: Key): Promise<Followed> {
  const response = await send("api/progress", key).catch(() => {
    throw new NotTold("unreachable");
  });
  if (response.ok) return (await response.json()) as Followed;
  if (NOT_TOLD.has(response.status)) throw new NotTold("notFound");
  throw new NotTold(response.status === 429 ? "tooMany" : "unreachable");
}

export async function rate(key: Key, rating: Rating): Promise<Rated> {
  try {
    const response = await send("api/rating", { ...key, ...rating });
    if (response.ok) return "taken";
    return response.status === 409 ? "tooLate" : "failed";
  } catch {
    return "failed";
  }
}

/** The map a pin can be set on; null when there is none. */
export async function map(): Promise<TileMap | null> {
  const told = await get<TileMap | { tiles: null }>("chat/map");
  return told.tiles === null ? null : told;
}

/** The name of an area from the county down. */
export async function areaName(code: string): Promise<string> {
  return (await get<{ name: string }>(`chat/areas/${code}`)).name;
}

function send(path: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return request(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function get<T>(path: string): Promise<T> {
  const response = await request(path, { cache: "no-store" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()) as T;
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
