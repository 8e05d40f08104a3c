/** What a voice note is recorded as: Safari knows only the second. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4"];
/** Speech is clear at this, and a minute of it is 240 kB. */
const BITS_PER_SECOND = 32_000;
export const LONGEST_SECONDS = 300;

/** A voice note being recorded. */
export interface Recording {
  /** Stop, and have what was said. */
  stop(): Promise<File>;
  /** Stop, and forget it. */
  cancel(): void;
}

/** Without HTTPS a browser lets nobody record. */
export function canRecord(): boolean {
  return typeof MediaRecorder !== "undefined" && navigator.mediaDevices !== undefined;
}

/** Begin to record; rejects where the citizen or the browser allows no microphone. */
export async function record(): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { audioBitsPerSecond: BITS_PER_SECOND, ...(mimeType ? { mimeType } : {}) });
  const parts: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  const ended = new Promise<void>((resolve) => recorder.addEventListener("stop", () => resolve(), { once: true }));
  recorder.start();

  function end(): void {
    if (recorder.state !== "inactive") recorder.stop();
    for (const track of stream.getTracks()) track.stop();
  }

  return {
    async stop() {
      end();
      await ended;
      return new File(parts, "voice", { type: recorder.mimeType });
    },
    cancel: end,
  };
}
