import { expect, test } from "vitest";
import { Attention } from "./attention";

/** A page that somebody looks at, or not. */
class FakePage extends EventTarget {
  hidden = false;
  title = "热线";

  look(isLookedAt: boolean): void {
    this.hidden = !isLookedAt;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

test("the title is marked while nobody looks, once, until somebody does", () => {
  const page = new FakePage();
  const attention = new Attention(page as unknown as Document, () => "新");
  attention.call();
  expect(page.title).toBe("热线");
  page.look(false);
  attention.call();
  attention.call();
  expect(page.title).toBe("新 热线");
  page.look(true);
  expect(page.title).toBe("热线");
});
