import { randomId } from "../shared/ids";
import type { KeyValues } from "../shared/storage";

const KEY = "lianxinqiao.voter";
/** `voter` of `knowledge/care_routes.py`. */
const FITS = /^[0-9a-f]{32}$/;

/** By which the server knows that two votes are one reader's: made up here, and used for nothing else. */
export function voterIn(storage: KeyValues): string {
  const kept = storage.getItem(KEY);
  if (kept && FITS.test(kept)) return kept;
  const made = randomId();
  try {
    storage.setItem(KEY, made);
  } catch {
    // No room: the same as long as this vote.
  }
  return made;
}
