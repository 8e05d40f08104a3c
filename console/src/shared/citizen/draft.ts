const DRAFT_KEY = "lianxinqiao.draft";

/** What somebody has written for the hotline and not sent; kept by the tab. */
export function keptDraft(): string {
  try {
    return sessionStorage.getItem(DRAFT_KEY) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(text: string): void {
  try {
    sessionStorage.setItem(DRAFT_KEY, text);
  } catch {
    // Forbidden: the draft lives as long as the page.
  }
}

/** A draft with a line more. */
export function withLine(draft: string, line: string): string {
  return draft.trim() ? `${draft.trimEnd()}\n${line}` : line;
}
