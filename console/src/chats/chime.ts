import type { KeyValues } from "../shared/storage";

const KEY = "lianxinqiao.chats.sound";
const TONES = [660, 880];
const TONE_SECONDS = 0.18;
const LOUDNESS = 0.12;

/** Two soft tones. Browsers let a page make a sound once somebody has pressed something in it, and not before. */
export class Chime {
  private context: AudioContext | null = null;

  constructor(private readonly storage: KeyValues) {}

  get on(): boolean {
    return this.storage.getItem(KEY) !== "off";
  }

  set on(on: boolean) {
    this.storage.setItem(KEY, on ? "on" : "off");
  }

  /** Call it when something was pressed. */
  allow(): void {
    this.context ??= new AudioContext();
    void this.context.resume();
  }

  play(): void {
    const { context } = this;
    if (!this.on || context?.state !== "running") return;
    for (const [position, hertz] of TONES.entries()) {
      const at = context.currentTime + position * TONE_SECONDS;
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setTargetAtTime(LOUDNESS, at, 0.01);
      gain.gain.setTargetAtTime(0, at + TONE_SECONDS / 2, 0.04);
      const tone = new OscillatorNode(context, { frequency: hertz });
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + 3 * TONE_SECONDS);
    }
  }
}
