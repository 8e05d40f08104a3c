import { reactive } from "vue";
import { randomId } from "../shared/ids";
import { Refused } from "../shared/staff/api";
import type { Api, Timeline } from "./api";
import { press } from "./keys";
import * as texts from "./texts";
import { type Gather, type Spoken, type Verb, parsed } from "./twiml";
import type { Voice } from "./voice";

export type Doing = "idle" | "asking" | "listening" | "recording" | "queued" | "ringing" | "conferring" | "over";

export interface Line {
  id: number;
  who: "hotline" | "caller" | "event";
  text: string;
}

export interface Exchange {
  id: number;
  address: string;
  fields: Record<string, string>;
  status: number;
  tookMs: number;
  document: string;
}

type Fields = Record<string, string>;

const QUEUE_SID = `QU${"0".repeat(32)}`;
const NOISE = { words: "呃", confidence: 0.1 };
const INCOMING = "/ivr/twilio/incoming";
const STATUS = "/ivr/twilio/status";

/** One call after the other: walks TwiML as a carrier does, and does what the person at the page does. */
export class Call {
  readonly view = reactive({
    doing: "idle" as Doing,
    callSid: "",
    lines: [] as Line[],
    exchanges: [] as Exchange[],
    timeline: null as Timeline | null,
    keys: "",
    /** Seconds until a Gather ends; null while none runs. */
    left: null as number | null,
    queue: { name: "", position: 1, waited: 0 },
    dialled: "",
    problem: "",
    startedAt: 0,
    endedAt: 0,
    timed: true,
    /** Typing counts as speaking: no silence meanwhile. */
    typing: false,
  });

  private number: string | null = null;
  private at = INCOMING;
  private gather: Gather | null = null;
  private busy: Verb | null = null;
  private rest: Verb[] = [];
  private waiting = false;
  private waitUrl = "";
  private timer: ReturnType<typeof setInterval> | undefined;
  private counter = 0;

  constructor(
    private readonly api: () => Api,
    private readonly voice: Voice,
  ) {}

  /** Dial. `number` is in E.164; null: withheld. */
  async start(number: string | null): Promise<void> {
    this.reset();
    this.number = number;
    this.event(texts.transcript.started(number ?? texts.phone.withheld));
    await this.request(INCOMING, {}, "ringing");
  }

  /** Press one key. */
  async press(key: string): Promise<void> {
    const gather = this.gather;
    if (!gather?.keys) {
      if (this.isOn) this.event(texts.transcript.lost(key));
      return;
    }
    this.voice.stop();
    const { taken, done } = press(gather, this.view.keys, key);
    this.view.keys = taken;
    if (done) await this.handOver();
    else this.wait(gather.timeout);
  }

  /** Speak: the recogniser understands `words`. */
  async say(words: string, confidence: number): Promise<void> {
    if (!this.gather?.speech) return;
    this.caller(texts.transcript.said(words, confidence));
    await this.result({ SpeechResult: words, Confidence: String(confidence) });
  }

  /** Make a noise that is taken for speech. */
  async noise(): Promise<void> {
    if (!this.gather?.speech) return;
    this.caller(texts.transcript.noise);
    await this.result({ SpeechResult: NOISE.words, Confidence: String(NOISE.confidence) });
  }

  /** Say and press nothing until the time is up. */
  async silence(): Promise<void> {
    if (!this.gather) return;
    if (this.view.keys) return this.handOver();
    this.caller(texts.transcript.silent);
    await this.result({});
  }

  /** Speak a message of so many seconds and press #; 0: say nothing. */
  async recorded(seconds: number): Promise<void> {
    if (this.busy?.verb !== "record") return;
    const { action } = this.busy;
    this.caller(seconds ? texts.transcript.recorded(seconds) : texts.transcript.silent);
    if (!seconds) return this.run(this.rest);
    await this.request(action, { ...recording(seconds), Digits: "#" });
  }

  /** Wait so many seconds more in the queue. */
  async keepWaiting(seconds: number): Promise<void> {
    if (!this.waiting) return;
    this.view.queue.waited += seconds;
    await this.askWhatToPlay(this.waitUrl, {});
  }

  /** The queue or the ringing ends: somebody talked with the caller, or nobody did. */
  async comesBack(talked: boolean): Promise<void> {
    if (this.waiting) return this.leaveQueue(talked ? "bridged" : "queue-full");
    if (this.busy?.verb !== "dial") return;
    this.event(talked ? texts.transcript.talked : texts.transcript.nobody);
    const { action } = this.busy;
    if (!action) return this.run(this.rest);
    const fields: Fields = { DialCallStatus: talked ? "completed" : "no-answer" };
    if (talked) fields.DialCallDuration = "60";
    await this.request(action, fields);
  }

  /** Put the receiver down. */
  async hangUp(): Promise<void> {
    if (!this.isOn) return;
    this.event(texts.transcript.hungUp);
    const { busy, waiting } = this;
    const at = this.at;
    this.stop("over");
    if (busy?.verb === "record") await this.post(join(at, busy.action), { ...recording(5), Digits: "hangup" }, "completed");
    if (waiting && busy?.verb === "enqueue" && busy.action)
      await this.post(join(at, busy.action), this.queueResult("hangup"), "completed");
    await this.over();
  }

  get isOn(): boolean {
    return this.view.doing !== "idle" && this.view.doing !== "over";
  }

  get listensForSpeech(): boolean {
    return this.gather?.speech ?? false;
  }

  /** Everything that was pressed so far is handed over, or that nothing came. */
  private async handOver(): Promise<void> {
    const keys = this.view.keys;
    this.caller(texts.transcript.pressed(keys || "#"));
    await this.result(keys ? { Digits: keys } : {});
  }

  private async result(fields: Fields): Promise<void> {
    const gather = this.gather;
    if (!gather) return;
    this.voice.stop();
    if (!Object.keys(fields).length && !gather.onEmpty) return this.waiting ? this.playWaiting(this.rest) : this.run(this.rest);
    if (this.waiting) return this.askWhatToPlay(gather.action || this.waitUrl, fields);
    await this.request(gather.action || this.at, fields);
  }

  private async request(address: string, fields: Fields, status = "in-progress"): Promise<void> {
    const verbs = await this.fetch(address, fields, status);
    if (verbs) await this.run(verbs);
  }

  private async fetch(address: string, fields: Fields, status: string): Promise<Verb[] | null> {
    this.at = join(this.at, address);
    this.stop(this.waiting ? "queued" : "asking");
    const { callSid } = this.view;
    const document = await this.post(this.at, fields, status);
    // The receiver may have been put down meanwhile.
    if (document === null || callSid !== this.view.callSid || !this.isOn) return null;
    void this.readRecord();
    try {
      return parsed(document);
    } catch (error) {
      this.view.problem = String(error);
      return null;
    }
  }

  private async run(verbs: Verb[]): Promise<void> {
    this.gather = this.busy = null;
    this.waiting = false;
    for (const [position, verb] of verbs.entries()) {
      this.rest = verbs.slice(position + 1);
      this.busy = verb;
      switch (verb.verb) {
        case "say":
        case "play":
        case "pause":
          if (!(await this.speak([verb]))) return;
          break;
        case "gather":
          return this.listen(verb, "listening");
        case "record":
          this.view.doing = "recording";
          this.event(texts.transcript.beep);
          return;
        case "enqueue":
          this.waiting = true;
          this.view.doing = "queued";
          Object.assign(this.view.queue, { name: verb.queue, waited: 0 });
          this.event(texts.transcript.enqueued(verb.queue));
          if (verb.waitUrl) await this.askWhatToPlay(verb.waitUrl, {});
          return;
        case "dial":
          this.view.doing = verb.room ? "conferring" : "ringing";
          this.view.dialled = verb.number;
          this.event(texts.transcript.dialling(verb.number));
          return;
        case "redirect":
          return this.request(verb.url, {});
        case "hangup":
          return this.ends();
        case "leave":
          break;
      }
    }
    await this.ends();
  }

  private async listen(gather: Gather, doing: Doing): Promise<void> {
    this.gather = gather;
    this.view.keys = "";
    this.view.doing = doing;
    // Keys and speech count while this is spoken; silence only after it.
    if (await this.speak(gather.spoken)) this.wait(gather.timeout);
  }

  private async askWhatToPlay(address: string, fields: Fields): Promise<void> {
    const { position, waited } = this.view.queue;
    const verbs = await this.fetch(
      address,
      {
        QueueSid: QUEUE_SID,
        QueuePosition: String(position),
        QueueTime: String(waited),
        AvgQueueTime: "90",
        CurrentQueueSize: String(position),
        MaxQueueSize: "1000",
        ...fields,
      },
      "in-progress",
    );
    this.waitUrl = this.at;
    if (verbs) await this.playWaiting(verbs);
  }

  private async playWaiting(verbs: Verb[]): Promise<void> {
    this.gather = null;
    for (const [position, verb] of verbs.entries()) {
      this.rest = verbs.slice(position + 1);
      switch (verb.verb) {
        case "say":
        case "play":
        case "pause":
          if (!(await this.speak([verb]))) return;
          break;
        case "gather":
          return this.listen(verb, "queued");
        case "redirect":
          this.waitUrl = join(this.at, verb.url);
          return;
        case "leave":
          return this.leaveQueue("leave");
        case "hangup":
          return this.ends();
        default:
          this.view.problem = `<${verb.verb}>`;
          return;
      }
    }
  }

  private async leaveQueue(how: string): Promise<void> {
    const enqueue = this.busy;
    if (enqueue?.verb !== "enqueue") return;
    const told = { bridged: texts.transcript.talked, leave: texts.transcript.left }[how];
    this.event(told ?? texts.transcript.nobody);
    this.waiting = false;
    if (!enqueue.action) return this.run([]);
    await this.request(enqueue.action, this.queueResult(how));
  }

  private queueResult(how: string): Fields {
    return { QueueResult: how, QueueSid: QUEUE_SID, QueueTime: String(this.view.queue.waited) };
  }

  private async speak(spoken: Spoken[]): Promise<boolean> {
    return this.voice.speak(spoken, (one) => {
      if (one.verb === "say") this.line("hotline", one.said.text);
      else if (one.verb === "play") this.line("hotline", texts.transcript.music);
    });
  }

  private wait(seconds: number): void {
    clearInterval(this.timer);
    this.view.left = seconds;
    this.timer = setInterval(() => {
      if (this.view.left === null || !this.view.timed || this.view.typing) return;
      this.view.left -= 1;
      if (this.view.left <= 0) void this.silence();
    }, 1000);
  }

  private async ends(): Promise<void> {
    this.event(texts.transcript.ended);
    this.stop("over");
    await this.over();
  }

  private async over(): Promise<void> {
    this.waiting = false;
    this.busy = null;
    this.view.endedAt = Date.now();
    const seconds = Math.max(1, Math.round((this.view.endedAt - this.view.startedAt) / 1000));
    await this.post(STATUS, { CallDuration: String(seconds) }, "completed");
    await this.readRecord();
  }

  private async post(address: string, fields: Fields, status: string): Promise<string | null> {
    const sent = { CallStatus: status, ...fields };
    try {
      const request = { call_sid: this.view.callSid, address, number: this.number, fields: sent };
      const answered = await this.api().relay(request);
      this.view.exchanges.push({
        id: ++this.counter,
        address,
        fields: sent,
        status: answered.status,
        tookMs: answered.took_ms,
        document: answered.body,
      });
      if (answered.status < 300) return answered.body;
      this.view.problem = texts.problem.carrier(answered.status);
    } catch (error) {
      this.view.problem =
        error instanceof Refused ? texts.problem.refused(error.status, error.message) : texts.problem.network;
    }
    return null;
  }

  private async readRecord(): Promise<void> {
    try {
      this.view.timeline = await this.api().call(this.view.callSid);
    } catch {
      // The first step may not be kept yet; the next one is.
    }
  }

  private stop(doing: Doing): void {
    clearInterval(this.timer);
    this.voice.stop();
    this.gather = null;
    this.view.left = null;
    this.view.keys = "";
    this.view.doing = doing;
  }

  private reset(): void {
    this.stop("asking");
    this.busy = null;
    this.waiting = false;
    this.at = INCOMING;
    Object.assign(this.view, {
      callSid: `SIM${randomId()}`,
      lines: [],
      exchanges: [],
      timeline: null,
      problem: "",
      startedAt: Date.now(),
      endedAt: 0,
    });
  }

  private event(text: string): void {
    this.line("event", text);
  }

  private caller(text: string): void {
    this.line("caller", text);
  }

  private line(who: Line["who"], text: string): void {
    this.view.lines.push({ id: ++this.counter, who, text });
  }
}

function recording(seconds: number): Fields {
  const sid = `RE${randomId()}`;
  return {
    RecordingSid: sid,
    RecordingUrl: `https://recordings.invalid/${sid}`,
    RecordingDuration: String(seconds),
  };
}

/** Path and query of an address of a document that was fetched from `at`. */
function join(at: string, address: string): string {
  const url = new URL(address, new URL(at, location.origin));
  return url.pathname + url.search;
}
