import type { Spoken } from "./twiml";

/** A person speaks some four and a half syllables a second. */
const SECONDS_A_CHARACTER = 0.22;
const LONGEST_PAUSE_SECONDS = 2;

/** Speaks with the browser's own voice; where it has none, or is told to be quiet, the text alone is shown. */
export class Voice {
  aloud = true;
  private turn = 0;

  /** Whether the browser has a Chinese voice; some find theirs only after a while. */
  get isThere(): boolean {
    return "speechSynthesis" in window && chineseVoice() !== undefined;
  }

  /** Speak one after the other; resolves with false when `stop` came in between. */
  async speak(spoken: Spoken[], show: (one: Spoken) => void): Promise<boolean> {
    const mine = ++this.turn;
    for (const one of spoken) {
      if (mine !== this.turn) return false;
      show(one);
      if (this.aloud && this.isThere) await this.uttered(one, mine);
    }
    return mine === this.turn;
  }

  /** Be silent at once. */
  stop(): void {
    this.turn += 1;
    if ("speechSynthesis" in window) speechSynthesis.cancel();
  }

  private uttered(one: Spoken, mine: number): Promise<void> {
    if (one.verb === "pause") return waited(Math.min(one.seconds, LONGEST_PAUSE_SECONDS));
    if (one.verb === "play") return Promise.resolve();
    const { text, rate } = one.said;
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = "zh-CN";
    utterance.rate = rate;
    const voice = chineseVoice();
    if (voice) utterance.voice = voice;
    const spoken = new Promise<void>((resolve) => {
      utterance.onend = utterance.onerror = () => resolve();
    });
    speechSynthesis.speak(utterance);
    // Some browsers never tell the end.
    return Promise.race([spoken, waited(2 + (text.length * SECONDS_A_CHARACTER) / rate), this.stopped(mine)]);
  }

  private async stopped(mine: number): Promise<void> {
    while (mine === this.turn) await waited(0.1);
  }
}

function chineseVoice(): SpeechSynthesisVoice | undefined {
  return speechSynthesis.getVoices().find((voice) => voice.lang.replace("_", "-").toLowerCase().startsWith("zh"));
}

function waited(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
