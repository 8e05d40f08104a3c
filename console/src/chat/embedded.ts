/** What the window in another site's page is told when it is to close; `widget.ts` listens. */
export const CLOSE = "lianxinqiao:close";

/** In a window of another site's page Escape closes the window, unless it closes something of ours first. */
export function closeWithEscape(): void {
  if (window.parent === window) return;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]")) return;
    // To whichever site we are in; the message says nothing but this.
    window.parent.postMessage(CLOSE, "*");
  });
}
