import type { Answer, Feed, Kind, Outgoing, PastTurn } from "./model";
import { type Followed, type Key, NotTold, type Rated, type Rating } from "./orders";
import type { Position } from "./place";
import { feedOf, type ToldFeed } from "./remarks";
import { Refusal, type Socket } from "./transport";
import { Later, type Upload } from "./uploads";

/** Tiles in WGS-84 or CGCS2000, and where the map opens. */
export interface TileMap {
  tiles: string;
  attribution: string;
  centre: Position;
}

/** A turn as it travels: its file by id. */
interface ToldTurn extends Omit<PastTurn, "file"> {
  file: { id: string; kind: Kind } | null;
}

const WITHIN_MS = 12_000;
/** An upload in which nothing moves for so long is lost. */
const STALLED_MS = 30_000;
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
  if (isFinal(response.status)) throw new Refusal(detailIn(await response.text()));
  throw new Error(`status ${response.status}`);
}

/** By XMLHttpRequest: `fetch` does not tell how far an upload is. */
export function upload(
  sessionId: string,
  { messageId, line, file, kind }: Upload,
  progress: (sent: number) => void,
  abort: AbortSignal,
): Promise<Answer> {
  const form = new FormData();
  const fields = { session_id: sessionId, message_id: messageId, line, spoken: String(kind === "voice") };
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled = 0;
    const moved = (): void => {
      clearTimeout(stalled);
      stalled = window.setTimeout(() => request.abort(), STALLED_MS);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      moved();
      progress(loaded / total);
    };
    request.onload = () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText) as Answer);
      else reject(refusalOf(request.status, request.responseText));
    };
    request.onerror = request.onabort = () => reject(new Error("connection lost"));
    request.onloadend = () => clearTimeout(stalled);
    abort.addEventListener("abort", () => request.abort());
    request.open("POST", new URL("chat/attachments", document.baseURI));
    request.send(form);
    moved();
  });
}

export async function history(sessionId: string): Promise<PastTurn[]> {
  const told = await get<ToldTurn[]>(`chat/history?${keyOf(sessionId)}`);
  return told.map((turn) => ({ ...turn, file: turn.file && sentFile(sessionId, turn.file) }));
}

export async function remarks(sessionId: string): Promise<Feed> {
  return feedOf(await get<ToldFeed>(`chat/remarks?${keyOf(sessionId)}`));
}

/** A file's content at an address of this page's memory: Safari plays nothing from a server that gives no parts. */
export async function fetched(url: string): Promise<string> {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return URL.createObjectURL(await response.blob());
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

/** Have a code sent to a telephone; what the check goes on with. Rejects with Refusal when the server says why not. */
export async function sendCode(phone: string): Promise<string> {
  return ((await proving("checks", { phone })) as { check: string }).check;
}

export async function proveCode(check: string, code: string): Promise<void> {
  await proving("checks/code", { check, code });
}

/** All orders of the telephone that was proved. */
export async function ordersOfPhone(check: string): Promise<Followed[]> {
  return (await proving("orders", { check })) as Followed[];
}

async function proving(path: string, body: object): Promise<unknown> {
  const response = await send(`api/citizens/${path}`, body);
  const said = await response.text();
  if (response.ok) return said ? JSON.parse(said) : null;
  if (isFinal(response.status) || response.status === 429) throw new Refusal(detailIn(said));
  throw new Error(`status ${response.status}`);
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

function keyOf(sessionId: string): string {
  return `session_id=${encodeURIComponent(sessionId)}`;
}

function sentFile(sessionId: string, { id, kind }: { id: string; kind: Kind }): PastTurn["file"] {
  const url = new URL(`chat/attachments/${id}?${keyOf(sessionId)}`, document.baseURI);
  return { kind, url: url.href, isHere: false };
}

function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && !PASSING.has(status);
}

function refusalOf(status: number, body: string): Error {
  if (isFinal(status)) return new Refusal(detailIn(body));
  return PASSING.has(status) ? new Later(detailIn(body)) : new Error(`status ${status}`);
}

/** The sentence of a problem. */
function detailIn(body: string): string {
  try {
    const problem = JSON.parse(body) as { detail?: unknown };
    return typeof problem.detail === "string" ? problem.detail : "";
  } catch {
    return "";
  }
}
