import { beforeEach, expect, test } from "vitest";
import { memoryStorage } from "../shared/storage";
import { chosen, unfit } from "./files";
import type { Answer } from "./model";
import { Refusal } from "./transport";
import { Later, type Upload, Uploads } from "./uploads";

const ANSWER: Answer = { replies: [{ text: "已收到", buttons: [] }], work_order: null, degraded: false };

interface Sending {
  messageId: string;
  progress(sent: number): void;
  arrive(): void;
  fail(error: Error): void;
}

/** A server and a clock moved by hand. */
class World {
  readonly tab = memoryStorage();
  readonly sent: Sending[] = [];
  readonly told: string[] = [];
  later: (() => void) | null = null;

  readonly uploads = new Uploads(
    {
      send: ({ messageId }, progress, abort) =>
        new Promise((resolve, reject) => {
          this.sent.push({ messageId, progress, arrive: () => resolve(ANSWER), fail: reject });
          abort.addEventListener("abort", () => reject(new Error("aborted")));
        }),
      after: (_, act) => {
        this.later = act;
        return () => (this.later = null);
      },
      random: () => 1,
    },
    {
      sending: (id) => this.told.push(`sending ${id}`),
      delayed: (id) => this.told.push(`delayed ${id}`),
      answered: (id) => this.told.push(`answered ${id}`),
      refused: (id, detail) => this.told.push(`refused ${id} ${detail}`),
    },
    this.tab,
  );

  get ids(): string[] {
    return this.sent.map((each) => each.messageId);
  }

  get newest(): Sending {
    const newest = this.sent.at(-1);
    if (!newest) throw new Error("nothing was sent");
    return newest;
  }

  add(...messageIds: string[]): void {
    for (const messageId of messageIds) this.uploads.add(picture(messageId));
  }

  async happen(what: () => void): Promise<void> {
    what();
    for (let round = 0; round < 10; round += 1) await Promise.resolve();
  }

  lose(): Promise<void> {
    return this.happen(() => this.newest.fail(new Error("connection lost")));
  }
}

function picture(messageId: string): Upload {
  return { messageId, line: "citizen", file: new File(["1"], "a.jpg"), kind: "picture" };
}

let world: World;
beforeEach(() => {
  world = new World();
});

test("files go one after the other and show how far they are", async () => {
  world.add("a", "b");
  world.newest.progress(0.5);
  expect([...world.uploads.progress]).toEqual([
    ["a", { sent: 0.5, stopped: false }],
    ["b", { sent: 0, stopped: false }],
  ]);
  await world.happen(() => world.newest.arrive());
  expect(world.ids).toEqual(["a", "b"]);
  expect([...world.uploads.progress.keys()]).toEqual(["b"]);
  expect(world.told).toEqual(["answered a"]);
});

test("after a lost connection a file is sent again with the same id, by itself", async () => {
  world.add("a");
  await world.lose();
  expect(world.told).toEqual(["delayed a"]);
  await world.happen(() => world.later?.());
  await world.happen(() => world.newest.arrive());
  expect(world.ids).toEqual(["a", "a"]);
  expect(world.told).toEqual(["delayed a", "answered a"]);
});

test("a connection that is back is used at once", async () => {
  world.add("a");
  await world.lose();
  await world.happen(() => world.uploads.flush());
  expect(world.ids).toEqual(["a", "a"]);
  expect(world.later).toBeNull();
});

test("what never arrives, or is not wanted now, stops until the citizen sends it again, and holds up no other", async () => {
  world.add("a", "b");
  for (let round = 0; round < 4; round += 1) {
    await world.lose();
    await world.happen(() => world.later?.());
  }
  await world.lose();
  expect(world.uploads.progress.get("a")).toEqual({ sent: 0, stopped: true });
  expect(world.newest.messageId).toBe("b");
  await world.happen(() => world.newest.fail(new Later("明天再发")));
  expect(world.told.slice(4)).toEqual(["refused a ", "refused b 明天再发"]);
  await world.happen(() => world.uploads.again("a"));
  await world.happen(() => world.newest.arrive());
  expect(world.told.slice(6)).toEqual(["sending a", "answered a"]);
});

test("what the server refuses is not sent again", async () => {
  world.add("a", "b");
  await world.happen(() => world.newest.fail(new Refusal("打不开")));
  expect(world.told).toEqual(["refused a 打不开"]);
  expect([world.ids, [...world.uploads.progress.keys()]]).toEqual([["a", "b"], ["b"]]);
});

test("what is cancelled goes no further, and the next one goes", async () => {
  world.add("a", "b", "c");
  world.uploads.cancel("b");
  await world.happen(() => world.uploads.cancel("a"));
  expect(world.ids).toEqual(["a", "c"]);
  expect(world.told).toEqual([]);
});

test("a file whose answer came by another way is not sent again", async () => {
  world.add("a");
  await world.lose();
  await world.happen(() => world.uploads.arrived("a"));
  await world.happen(() => world.uploads.flush());
  expect(world.ids).toEqual(["a"]);
});

test("a reload tells once which files it has lost", async () => {
  world.add("a", "b");
  await world.happen(() => world.newest.arrive());
  const reloaded = new World();
  reloaded.tab.setItem("lianxinqiao.uploads", world.tab.getItem("lianxinqiao.uploads") ?? "");
  expect(reloaded.uploads.lost()).toEqual(["b"]);
  expect(reloaded.uploads.lost()).toEqual([]);
});

test("a file that is too large or of no use is not sent at all", () => {
  const file = (type: string, megabytes: number): File =>
    ({ name: "a", type, size: megabytes * 1024 * 1024 }) as unknown as File;
  expect(unfit(chosen(file("image/jpeg", 20)))).toBeNull();
  expect(unfit(chosen(file("image/jpeg", 21)))).toEqual({ reason: "tooLarge", kind: "picture", size: "21.0", most: 20 });
  expect(unfit(chosen(file("video/mp4", 50)))).toBeNull();
  expect(unfit(chosen(file("video/mp4", 51)))).toMatchObject({ kind: "video", most: 50 });
  expect(unfit({ file: file("audio/webm", 11), kind: "voice" })).toMatchObject({ kind: "voice", most: 10 });
  expect(unfit(chosen(file("application/pdf", 1)))).toEqual({ reason: "notAllowed" });
});
