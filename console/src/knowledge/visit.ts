/** What an address asks for: an entry, a search, or nothing yet. */
export interface Visit {
  id: string;
  query: string;
}

const ID = /^\S{1,100}$/;
export const LONGEST_QUERY = 500;

export function visitOf(search: string): Visit {
  const asked = new URLSearchParams(search);
  const id = asked.get("id") ?? "";
  if (ID.test(id)) return { id, query: "" };
  return { id: "", query: (asked.get("q") ?? "").trim().slice(0, LONGEST_QUERY) };
}

/** The address of an entry or a search, relative to the page. */
export function addressOf(visit: Partial<Visit>): string {
  if (visit.id) return `?${new URLSearchParams({ id: visit.id })}`;
  return visit.query ? `?${new URLSearchParams({ q: visit.query })}` : "?";
}
