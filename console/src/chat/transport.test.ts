import { beforeEach, expect, test } from "vitest";
import type { Answer, Connection, Outgoing } from "./model";
import { Refusal, type Socket, Transport } from "./transport";

const ANSWER: Answer = { replies: [{ text: "好的", buttons: [] }], work_order: null, degraded: false };

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((frame: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: { type: string; message_id?: string }[] = [];
  closed = false;

  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }
  close(): void {
    this.closed = true;
  }
  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  messages(): (string | undefined)[] {
    return this.sent.filter((frame) => frame.type === "message").map((frame) => frame.message_id);
  }
}

/** A browser and a network with a clock that is moved by hand. */
class World {
  sockets: FakeSocket[] = [];
  posted: string[] = [];
  post: (message: Outgoing) => Promise<Answer> = () => Promise.reject(new Error("no network"));
  catchUp: () => Promise<void> = () => Promise.reject(new Error("no network"));
  heard = 0;
  outbox: Outgoing[] = [];
  told: string[] = [];
  state: Connection | null = null;
  private now = 0;
  private timers: { at: number; act: () => void }[] = [];

  readonly transport = new Transport(
    {
      openSocket: () => {
        const socket = new FakeSocket();
        this.sockets.push(socket);
        return socket;
      },
      post: (message) => {
        this.posted.push(message.messageId);
        return this.post(message);
      },
      catchUp: () => this.catchUp(),
      hear: () => {
        this.heard += 1;
        return Promise.resolve();
      },
      pending: () => this.outbox,
      after: (ms, act) => {
        const timer = { at: this.now + ms, act };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((other) => other !== timer);
        };
      },
      random: () => 1,
    },
    {
      connection: (state) => {
        this.state = state;
      },
      typing: () => undefined,
      acknowledged: (id) => this.told.push(`ack ${id}`),
      delayed: (id) => this.told.push(`delayed ${id}`),
      answered: (id) => this.settle(`answer ${id}`, id),
      told: ({ remarks }) => this.told.push(...remarks.map((remark) => `${remark.author} ${remark.text} ${remark.at}`)),
      refused: (id, detail) => this.settle(`refused ${id} ${detail}`, id),
    },
  );

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  say(messageId: string): void {
    this.outbox.push({ messageId, text: messageId, line: "citizen", sentAt: this.outbox.length });
    this.transport.flush();
  }

  /** Let time pass and every promise settle. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (let next = this.due(end); next; next = this.due(end)) {
      this.now = next.at;
      this.timers = this.timers.filter((timer) => timer !== next);
      next.act();
      await settle();
    }
    this.now = end;
    await settle();
  }

  private due(end: number): { at: number; act: () => void } | undefined {
    return this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
  }

  private settle(what: string, id: string): void {
    this.told.push(what);
    this.outbox = this.outbox.filter((message) => message.messageId !== id);
  }
}

async function settle(): Promise<void> {
  for (let round = 0; round < 10; round += 1) await Promise.resolve();
}

let world: World;

beforeEach(() => {
  world = new World();
  world.transport.start();
});

async function fallBackToPost(): Promise<void> {
  world.socket.onclose?.();
  await world.pass(500);
  world.socket.onclose?.();
  await settle();
}

test("what was said before the connection stands goes out in order when it stands", () => {
  world.say("a");
  world.say("b");
  expect(world.socket.sent).toEqual([]);
  world.socket.onopen?.();
  expect(world.state).toBe("online");
  expect(world.socket.messages()).toEqual(["a", "b"]);
});

test("a message is sent once over one connection", () => {
  world.socket.onopen?.();
  world.say("a");
  world.say("b");
  expect(world.socket.messages()).toEqual(["a", "b"]);
});

test("after a break only what has no answer is sent again, with the same id", async () => {
  world.socket.onopen?.();
  world.say("a");
  world.say("b");
  world.socket.receive({ type: "ack", message_id: "a" });
  world.socket.receive({ type: "answer", message_id: "a", ...ANSWER });
  world.socket.onclose?.();
  await world.pass(500);
  world.socket.onopen?.();
  expect(world.sockets).toHaveLength(2);
  expect(world.socket.messages()).toEqual(["b"]);
  expect(world.told).toEqual(["ack a", "answer a"]);
});

test("pauses between attempts grow up to thirty seconds", async () => {
  const pauses: number[] = [];
  for (let failures = 0; failures < 9; failures += 1) {
    world.socket.onclose?.();
    const before = world.sockets.length;
    let waited = 0;
    while (world.sockets.length === before) {
      await world.pass(500);
      waited += 500;
    }
    pauses.push(waited);
  }
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test("after two failures messages go by POST, one after the other", async () => {
  world.catchUp = () => Promise.resolve();
  world.post = () => Promise.resolve(ANSWER);
  world.say("a");
  world.say("b");
  await fallBackToPost();
  expect(world.posted).toEqual(["a", "b"]);
  expect(world.told).toEqual(["answer a", "answer b"]);
  expect(world.state).toBe("online");
});

test("where only plain HTTP works the page asks every few seconds what was said, until a socket tells it", async () => {
  world.catchUp = () => Promise.resolve();
  await fallBackToPost();
  await world.pass(4000);
  expect(world.heard).toBe(1);
  await world.pass(4000);
  expect(world.heard).toBe(2);
  world.socket.onopen?.();
  await world.pass(15_000);
  expect(world.heard).toBe(2);
  const remark = { id: "remark-1", author: "seat", text: "您好", at: "1970-01-01T00:00:01Z", number: null };
  world.socket.receive({ type: "remarks", person: null, remarks: [remark] });
  expect(world.told).toEqual(["seat 您好 1000"]);
});

test("without any network the messages wait and go out when it is back", async () => {
  world.say("a");
  await fallBackToPost();
  expect(world.state).toBe("offline");
  expect(world.outbox).toHaveLength(1);
  world.transport.check();
  world.socket.onopen?.();
  expect(world.socket.messages()).toEqual(["a"]);
  expect(world.state).toBe("online");
});

test("a refused POST does not hold up the next message", async () => {
  world.catchUp = () => Promise.resolve();
  world.post = (message) => (message.messageId === "a" ? Promise.reject(new Refusal("太长")) : Promise.resolve(ANSWER));
  world.say("a");
  world.say("b");
  await fallBackToPost();
  expect(world.told).toEqual(["refused a 太长", "answer b"]);
});

test("a message the server cannot take just now is sent again, one it never takes is not", async () => {
  world.socket.onopen?.();
  world.say("a");
  world.say("b");
  world.socket.receive({ type: "error", message_id: "b", detail: "不行", retryable: false });
  world.socket.receive({ type: "error", message_id: "a", detail: "稍后", retryable: true });
  await world.pass(5000);
  expect(world.socket.messages()).toEqual(["a", "b", "a"]);
  expect(world.told).toEqual(["refused b 不行", "delayed a"]);
});

test("a connection that only looks alive is given up: no pong, or no answer", async () => {
  world.socket.onopen?.();
  await world.pass(30_000);
  expect(world.sockets[0]?.closed).toBe(true);
  await world.pass(500);
  world.socket.onopen?.();
  world.say("a");
  await world.pass(7000);
  world.socket.receive({ type: "typing" });
  await world.pass(7000);
  expect(world.sockets[1]?.closed).toBe(false);
  await world.pass(1000);
  expect(world.sockets[1]?.closed).toBe(true);
  await world.pass(500);
  world.socket.onopen?.();
  expect(world.socket.messages()).toEqual(["a"]);
});

test("a stopped transport does nothing more", async () => {
  world.socket.onopen?.();
  world.transport.stop();
  world.say("a");
  await world.pass(60_000);
  expect(world.sockets).toHaveLength(1);
  expect(world.socket.messages()).toEqual([]);
});
