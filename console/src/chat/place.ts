import { ref } from "vue";
import type { KeyValues } from "../shared/storage";
import { MAX_TEXT } from "./model";
import { fill, spoken } from "./texts";

const KEY = "lianxinqiao.place";
/** Characters; `hotline qr` makes no longer ones. */
export const LONGEST_PLACE = 60;
const AREA = /^\d{6}(\d{3}){0,2}$/;
/** A shorter message is a greeting or a command: 你好, 转人工, 查进度. */
const SHORTEST_MATTER = 5;
/** A metre or so. */
const DECIMALS = 5;

/** Where somebody is who has scanned the code of a place. */
export interface Place {
  name: string;
  area: string | null;
}

/** A point in WGS-84, in degrees. */
export interface Position {
  latitude: number;
  longitude: number;
}

/** The place an address names, or null when it names none we can use. */
export function placeIn(search: URLSearchParams): Place | null {
  const name = (search.get("place") ?? "").replace(/[\p{C}\s]+/gu, " ").trim();
  if (name === "" || lengthOf(name) > LONGEST_PLACE) return null;
  const area = search.get("area") ?? "";
  return { name, area: AREA.test(area) ? area : null };
}

/** The place a citizen has scanned: shown, removable, and told with the first matter they write; for this tab only. */
export class ScannedPlace {
  readonly shown = ref<string | null>(null);

  constructor(
    private readonly storage: KeyValues,
    search: URLSearchParams,
    private readonly nameOf: (area: string) => Promise<string>,
  ) {
    const scanned = placeIn(search);
    this.show(scanned?.name ?? storage.getItem(KEY));
    if (scanned?.area) this.name(scanned.name, scanned.area).catch(() => undefined);
  }

  remove(): void {
    this.show(null);
  }

  /** What is sent for what was written: with the place, when it is known and tells of a matter. */
  told(text: string): string {
    const place = this.shown.value;
    if (place === null || lengthOf(text.trim()) < SHORTEST_MATTER) return text;
    const told = fill(spoken.here, { text: text.trim(), place });
    if (lengthOf(told) > MAX_TEXT) return text;
    this.remove();
    return told;
  }

  private async name(place: string, area: string): Promise<void> {
    const name = await this.nameOf(area);
    if (this.shown.value === place && !place.startsWith(name)) this.show(name + place);
  }

  private show(place: string | null): void {
    this.shown.value = place;
    try {
      if (place === null) this.storage.removeItem(KEY);
      else this.storage.setItem(KEY, place);
    } catch {
      // No room: the place is known as long as the page is open.
    }
  }
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** A position as it is shown and sent: degrees with a point, whatever the language. */
export function degrees({ latitude, longitude }: Position): { latitude: string; longitude: string } {
  return { latitude: latitude.toFixed(DECIMALS), longitude: longitude.toFixed(DECIMALS) };
}

/** The line that tells where something is, in words, as a position or both. */
export function lineOf(position: Position | null, name: string): string {
  const words = name.trim();
  if (position === null) return fill(spoken.address, { place: words });
  return fill(spoken.position, { place: words && `${words}，`, ...degrees(position) });
}
