import type { Entry, Found } from "./model";

const KNOWLEDGE = "api/knowledge";
const WITHIN_MS = 15_000;
const MOST_RESULTS = 6;

export type Trouble = "offline" | "tooMany" | "failed" | "gone";

/** Why the server gave no answer. */
export class NotAnswered extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble);
  }
}

/** What anybody may ask the knowledge base. `root`: from the page to where the system stands, so that it may be behind a path. */
export class Doors {
  constructor(private readonly root: string) {}

  search(query: string, abort?: AbortSignal): Promise<Found> {
    return this.get(`${KNOWLEDGE}/search?${new URLSearchParams({ q: query, most: String(MOST_RESULTS) })}`, abort);
  }

  entry(id: string): Promise<Entry> {
    return this.get(`${KNOWLEDGE}/entries/${encodeURIComponent(id)}`);
  }

  /** Questions that are asked often. */
  common(): Promise<string[]> {
    return this.get(`${KNOWLEDGE}/common`);
  }

  /** The name of an area from the county down. */
  async areaName(code: string): Promise<string> {
    return (await this.get<{ name: string }>(`chat/areas/${code}`)).name;
  }

  async vote({ id, version }: Entry, voter: string, helped: boolean): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ version, voter, helped });
    await this.asked(`${KNOWLEDGE}/entries/${encodeURIComponent(id)}/votes`, { method: "POST", headers, body });
  }

  private async get<T>(path: string, abort?: AbortSignal): Promise<T> {
    return (await (await this.asked(path, { cache: "no-store" }, abort)).json()) as T;
  }

  private async asked(path: string, init: RequestInit, abort?: AbortSignal): Promise<Response> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const timer = setTimeout(end, WITHIN_MS);
    abort?.addEventListener("abort", end);
    try {
      const url = new URL(this.root + path, document.baseURI);
      const response = await fetch(url, { ...init, signal: ended.signal });
      if (!response.ok) throw new NotAnswered(troubleOf(response.status));
      return response;
    } catch (error) {
      throw error instanceof NotAnswered ? error : new NotAnswered("offline");
    } finally {
      clearTimeout(timer);
      abort?.removeEventListener("abort", end);
    }
  }
}

function troubleOf(status: number): Trouble {
  if (status === 404) return "gone";
  return status === 429 ? "tooMany" : "failed";
}
