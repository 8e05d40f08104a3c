import { expect, test } from "vitest";
import { NotAnswered } from "./doors";
import { Finder } from "./finder";
import type { Found } from "./model";

interface Asked {
  query: string;
  abort: AbortSignal;
  answer: (found: Found) => void;
  fail: (error: unknown) => void;
}

function found(query: string): Found {
  return { query, verdict: "unsure", likely: 0, results: [] };
}

class Scene {
  readonly asked: Asked[] = [];
  readonly finder: Finder;
  private pause: (() => void) | null = null;

  constructor() {
    this.finder = new Finder({
      search: (query, abort) => new Promise((answer, fail) => this.asked.push({ query, abort, answer, fail })),
      after: (_, act) => {
        this.pause = act;
        return () => (this.pause = null);
      },
    });
  }

  /** Nothing is typed for a while. */
  rest(): void {
    const act = this.pause;
    this.pause = null;
    act?.();
  }

  queries(): string[] {
    return this.asked.map((each) => each.query);
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
}

test("what is typed is searched for after a pause, and only the last of it", () => {
  const scene = new Scene();
  scene.finder.typed("社保");
  scene.finder.typed("社保卡丢了 ");
  expect(scene.queries()).toEqual([]);
  scene.rest();
  expect(scene.queries()).toEqual(["社保卡丢了"]);
  scene.finder.typed("社保卡丢了");
  scene.rest();
  expect(scene.queries()).toEqual(["社保卡丢了"]);
});

test("a single character is searched for only when somebody says so", () => {
  const scene = new Scene();
  scene.finder.typed("税");
  scene.rest();
  expect(scene.queries()).toEqual([]);
  void scene.finder.find("税");
  expect(scene.queries()).toEqual(["税"]);
});

test("the older question is given up, and an answer that comes late changes nothing", async () => {
  const scene = new Scene();
  const { view } = scene.finder;
  void scene.finder.find("驾照");
  void scene.finder.find("驾照丢了");
  const [older, newer] = scene.asked as [Asked, Asked];
  expect(older.abort.aborted).toBe(true);
  older.answer(found("驾照"));
  await settled();
  expect([view.found, view.searching]).toEqual([null, true]);
  newer.answer(found("驾照丢了"));
  await settled();
  expect([view.found?.query, view.searching]).toEqual(["驾照丢了", false]);
});

test("why there is no answer is told, and asked again it is forgotten", async () => {
  const scene = new Scene();
  const { view } = scene.finder;
  void scene.finder.find("驾照");
  scene.asked[0]?.fail(new NotAnswered("tooMany"));
  await settled();
  expect([view.trouble, view.searching]).toEqual(["tooMany", false]);
  void scene.finder.find("驾照");
  expect([view.trouble, view.searching]).toEqual([null, true]);
});

test("an emptied box is as before anything was asked", async () => {
  const scene = new Scene();
  void scene.finder.find("驾照");
  scene.finder.typed("");
  scene.asked[0]?.answer(found("驾照"));
  await settled();
  expect(scene.finder.view).toEqual({ query: "", searching: false, found: null, trouble: null });
});
