const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** How long to wait after so many failures in a row: doubling, with jitter so that a crowd does not return at once. */
export function backoffMs(failures: number, random: () => number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return full / 2 + (full / 2) * random();
}
