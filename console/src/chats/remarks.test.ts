import { expect, test } from "vitest";
import { Refused } from "../shared/staff/api";
import { memoryStorage } from "../shared/storage";
import { type Remark, Remarks } from "./remarks";

/** A house that says each key once, and fails as it is told. */
class House {
  readonly said: string[] = [];
  readonly fails: (Error | "answer lost")[] = [];
  private readonly ids = new Map<string, number>();

  say = async ({ key, text }: Remark): Promise<{ id: number }> => {
    const failure = this.fails.shift();
    if (failure instanceof Error) throw failure;
    if (!this.ids.has(key)) this.ids.set(key, this.said.push(text));
    if (failure) throw new TypeError("Failed to fetch");
    return { id: this.ids.get(key) as number };
  };
}

const OFFLINE = new TypeError("Failed to fetch");

function shown(remarks: Remarks): string[] {
  return remarks.view.all.map((remark) => `${remark.text} ${remark.state}`);
}

/** Until everything that is under way has ended. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

test("a remark stays in sight until it stands in the conversation", async () => {
  const house = new House();
  const remarks = new Remarks(memoryStorage(), "seat1", house.say);
  remarks.write(1, "您好");
  expect(shown(remarks)).toEqual(["您好 sending"]);
  await settled();
  expect(shown(remarks)).toEqual(["您好 said"]);
  remarks.arrived(new Set(["1"]));
  expect(shown(remarks)).toEqual([]);
});

test("what could not be sent is sent later, in the order it was written", async () => {
  const house = new House();
  house.fails.push(OFFLINE);
  const remarks = new Remarks(memoryStorage(), "seat1", house.say);
  remarks.write(1, "一");
  remarks.write(1, "二");
  await settled();
  expect(shown(remarks)).toEqual(["一 failed", "二 sending"]);
  await remarks.flush();
  expect(house.said).toEqual(["一", "二"]);
});

test("one conversation does not wait for another", async () => {
  const house = new House();
  house.fails.push(OFFLINE);
  const remarks = new Remarks(memoryStorage(), "seat1", house.say);
  remarks.write(1, "一");
  remarks.write(2, "二");
  await settled();
  expect(house.said).toEqual(["二"]);
});

test("a remark whose answer was lost is said once, also when it is sent from a page that was loaded again", async () => {
  const house = new House();
  house.fails.push("answer lost");
  const storage = memoryStorage();
  const before = new Remarks(storage, "seat1", house.say);
  before.write(1, "您好");
  await settled();
  const after = new Remarks(storage, "seat1", house.say);
  await after.flush();
  expect(house.said).toEqual(["您好"]);
  expect(shown(after)).toEqual(["您好 said"]);
  expect(new Remarks(storage, "seat1", house.say).view.all).toEqual([]);
});

test("what is refused waits for the seat to decide, and holds nothing up", async () => {
  const house = new House();
  house.fails.push(new Refused(409, "not yours"));
  const remarks = new Remarks(memoryStorage(), "seat1", house.say);
  remarks.write(1, "一");
  remarks.write(1, "二");
  await settled();
  await remarks.flush();
  expect(shown(remarks)).toEqual(["一 refused", "二 said"]);
  remarks.retry(remarks.view.all[0]?.key ?? "");
  await settled();
  expect(house.said).toEqual(["二", "一"]);
});

test("nobody else sends what a seat left unsent in this tab", () => {
  const storage = memoryStorage();
  const house = new House();
  house.fails.push(OFFLINE);
  new Remarks(storage, "seat1", house.say).write(1, "一");
  expect(new Remarks(storage, "seat2", house.say).view.all).toEqual([]);
});
