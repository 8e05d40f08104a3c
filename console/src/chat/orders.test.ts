import { expect, test } from "vitest";
import { memoryStorage } from "../shared/storage";
import type { Turn } from "./model";
import { type Followed, type Key, keysIn, NotTold, numberIn, Orders, proofIn, type Rated, request, tailOf, timeline, type Trouble } from "./orders";

const NUMBER = "20261124-000179";
const OTHER = "20261124-000187";

function order(number: string, change: Partial<Followed> = {}): Followed {
  return {
    number,
    line: "citizen",
    category_name: "噪声污染",
    unit: "咸安区生态环境局",
    state: "in_progress",
    state_name: "办理中",
    reply: null,
    outcome_name: null,
    created_at: "2026-11-24T09:30:00+08:00",
    updated_at: "2026-11-24T09:30:00+08:00",
    light: "green",
    due: "2026-11-30T17:30:00+08:00",
    history: [{ at: "2026-11-24T09:30:00+08:00", kind: "opened", text: "诉求已登记" }],
    may_rate: false,
    ...change,
  };
}

function turnWith(number: string, queryCode: string | null): Turn {
  const work_order = { number, query_code: queryCode };
  const answer = { replies: [], work_order, degraded: false };
  return { messageId: number, text: "确认", sentAt: 0, delivery: "sent", detail: null, answer, file: null };
}

/** A server that knows orders by number, and a clock that stands until it is moved. */
class World {
  readonly known = new Map<string, Followed>([[NUMBER, order(NUMBER)]]);
  trouble: Trouble | null = null;
  asked: Key[] = [];
  pauses: number[] = [];
  private later: (() => void) | null = null;

  readonly ports = {
    ask: async (key: Key): Promise<Followed> => {
      this.asked.push(key);
      const found = this.known.get(key.number);
      if (this.trouble !== null || !found) throw new NotTold(this.trouble ?? "notFound");
      return found;
    },
    rate: async (key: Key): Promise<Rated> => {
      this.known.set(key.number, order(key.number, { state: "closed", may_rate: false }));
      return "taken";
    },
    after: (ms: number, act: () => void): (() => void) => {
      this.pauses.push(ms);
      this.later = act;
      return () => {
        this.later = null;
      };
    },
    now: (): number => 0,
  };

  get waits(): boolean {
    return this.later !== null;
  }

  async pass(): Promise<void> {
    this.later?.();
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

test("the orders of the conversation are listed once, the newest first, and those it only asked after are not", () => {
  const turns = [turnWith(NUMBER, "314159"), turnWith(OTHER, "271828"), turnWith(NUMBER, null)];
  expect(keysIn(turns)).toEqual([
    { number: OTHER, proof: "271828" },
    { number: NUMBER, proof: "314159" },
  ]);
});

test("another conversation's orders are listed no more, those that were looked for are", async () => {
  const world = new World();
  const orders = new Orders(world.ports, memoryStorage());
  orders.follow([turnWith(OTHER, "271828")]);
  await orders.add({ number: NUMBER, proof: "4567" });
  orders.follow([]);
  expect(orders.view.entries.map((entry) => entry.key.number)).toEqual([NUMBER]);
});

test("an order that was looked for is kept for this tab until it is taken away", async () => {
  const world = new World();
  const storage = memoryStorage();
  expect(await new Orders(world.ports, storage).add({ number: NUMBER, proof: "4567" })).toBe(true);
  const again = new Orders(world.ports, storage);
  expect(again.view.entries.map((entry) => entry.key)).toEqual([{ number: NUMBER, proof: "4567" }]);
  expect(await again.add({ number: NUMBER, proof: "4567" })).toBe(false);
  again.forget(NUMBER);
  expect(new Orders(world.ports, storage).view.entries).toEqual([]);
});

test("an order nobody knows is not listed", async () => {
  const orders = new Orders(new World().ports, memoryStorage());
  await expect(orders.add({ number: OTHER, proof: "0000" })).rejects.toMatchObject({ trouble: "notFound" });
  expect(orders.view.entries).toEqual([]);
});

test("while it is watched an order is asked after, ever more seldom until something changes", async () => {
  const world = new World();
  const orders = new Orders(world.ports, memoryStorage());
  orders.follow([turnWith(NUMBER, "314159")]);
  orders.watch();
  await settled();
  await world.pass();
  await world.pass();
  const [first = 0, second = 0, third = 0] = world.pauses;
  expect(second).toBeGreaterThan(first);
  expect(third).toBeGreaterThan(second);
  world.known.set(NUMBER, order(NUMBER, { light: "red" }));
  await world.pass();
  expect(world.pauses.at(-1)).toBe(first);
  expect(orders.view.entries[0]?.order?.light).toBe("red");
  orders.unwatch();
  expect(world.waits).toBe(false);
});

test("who stops watching while the server answers is not asked after again", async () => {
  const world = new World();
  const orders = new Orders(world.ports, memoryStorage());
  orders.follow([turnWith(NUMBER, "314159")]);
  orders.watch();
  orders.unwatch();
  await settled();
  expect(world.waits).toBe(false);
});

test("what was told stays while the server cannot be reached, and wrong digits are not tried again and again", async () => {
  const world = new World();
  const orders = new Orders(world.ports, memoryStorage());
  orders.follow([turnWith(NUMBER, "314159")]);
  await orders.refresh();
  world.trouble = "unreachable";
  await orders.refresh();
  expect(orders.view.entries[0]).toMatchObject({ trouble: "unreachable", order: { state: "in_progress" } });
  world.trouble = "notFound";
  await orders.refresh();
  const tries = world.asked.length;
  await orders.refresh();
  expect(world.asked.length).toBe(tries);
});

test("a rated order is shown as it stands then", async () => {
  const world = new World();
  world.known.set(NUMBER, order(NUMBER, { state: "pending_callback", may_rate: true }));
  const orders = new Orders(world.ports, memoryStorage());
  await orders.add({ number: NUMBER, proof: "4567" });
  const said = { solved: true, satisfied: true, service_satisfied: null, enterprise_satisfied: null, note: null };
  expect(await orders.rate({ number: NUMBER, proof: "4567" }, said)).toBe("taken");
  expect(orders.view.entries[0]?.order).toMatchObject({ state: "closed", may_rate: false });
});

test("one timeline has the steps of all orders, the newest first", () => {
  const later = { at: "2026-11-25T08:00:00+08:00", kind: "sign", text: "已签收" };
  const entries = [order(NUMBER, { history: [...order(NUMBER).history, later] }), order(OTHER)].map((each) => ({
    key: { number: each.number, proof: "4567" },
    order: each,
    trouble: null,
    added: true,
  }));
  expect(timeline(entries).map((moment) => `${moment.text} ${moment.order.number}`)).toEqual([
    `已签收 ${NUMBER}`,
    `诉求已登记 ${OTHER}`,
    `诉求已登记 ${NUMBER}`,
  ]);
});

test("numbers and digits are taken as people write them", () => {
  expect(numberIn(" ２０２６1124 000179")).toBe(NUMBER);
  expect(numberIn("20261124")).toBeNull();
  expect(proofIn(" 4567 ")).toBe("4567");
  expect(proofIn("45678")).toBeNull();
});

test("the hotline is asked with the number and what proves it", () => {
  expect(request("expedite", { number: NUMBER, proof: "4567" })).toBe(`帮我催一下这个工单，工单号${NUMBER}，手机尾号4567`);
  expect(request("withdraw", { number: NUMBER, proof: "314159" })).toBe(`我要撤回，工单号${NUMBER}，查询码314159`);
});

test("all orders of a proved phone are listed once and asked for again with its last digits", async () => {
  const world = new World();
  world.known.set(OTHER, order(OTHER));
  const orders = new Orders(world.ports, memoryStorage());
  await orders.add({ number: NUMBER, proof: "314159" });
  orders.addAll([order(OTHER), order(NUMBER)], tailOf("138 7123 4567"));
  expect(orders.view.entries.map((entry) => entry.key)).toEqual([
    { number: OTHER, proof: "4567" },
    { number: NUMBER, proof: "314159" },
  ]);
  await orders.refresh();
  expect(world.asked).toContainEqual({ number: OTHER, proof: "4567" });
});
