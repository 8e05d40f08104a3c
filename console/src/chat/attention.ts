/** Marks the page's title while nobody looks at it and something was said. */
export class Attention {
  private plain: string | null = null;

  constructor(
    private readonly page: Document,
    private readonly mark: () => string,
  ) {
    page.addEventListener("visibilitychange", () => this.seen());
  }

  call(): void {
    if (!this.page.hidden || this.plain !== null) return;
    this.plain = this.page.title;
    this.page.title = `${this.mark()} ${this.plain}`;
  }

  private seen(): void {
    if (this.page.hidden || this.plain === null) return;
    this.page.title = this.plain;
    this.plain = null;
  }
}
