import { shallowReactive } from "vue";
import { NotAnswered, type Trouble } from "./doors";
import type { Found } from "./model";

/** So long nothing is typed before it is searched for. */
export const PAUSE_MS = 600;
const SHORTEST_TYPED = 2;

interface World {
  search(query: string, abort: AbortSignal): Promise<Found>;
  /** Act after a while; what is returned prevents it. */
  after(ms: number, act: () => void): () => void;
}

interface View {
  /** What was searched for last; empty: nothing. */
  query: string;
  searching: boolean;
  /** The last that was found; while a search is under way, that of the one before. */
  found: Found | null;
  trouble: Trouble | null;
}

const NOTHING: View = { query: "", searching: false, found: null, trouble: null };

/** A search box: searches when it is told to or when nothing more is typed, and only the newest question counts. */
export class Finder {
  readonly view: View = shallowReactive({ ...NOTHING });
  private underWay = new AbortController();
  private forgetPause = (): void => undefined;

  constructor(
    private readonly world: World,
    /** Told of each search as it begins. */
    private readonly begins: (query: string) => void = () => undefined,
  ) {}

  /** Search for what stands in the box, once nothing more is typed. */
  typed(text: string): void {
    const query = text.trim();
    this.forgetPause();
    if (query === "") this.clear();
    else if (query !== this.view.query && Array.from(query).length >= SHORTEST_TYPED)
      this.forgetPause = this.world.after(PAUSE_MS, () => void this.find(query));
  }

  /** Search now. */
  async find(text: string): Promise<void> {
    const query = text.trim();
    if (query === "") return;
    this.stop();
    const mine = (this.underWay = new AbortController());
    Object.assign(this.view, { query, searching: true, trouble: null });
    this.begins(query);
    let told: Partial<View>;
    try {
      told = { found: await this.world.search(query, mine.signal) };
    } catch (error) {
      told = { found: null, trouble: error instanceof NotAnswered ? error.trouble : "failed" };
    }
    if (!mine.signal.aborted) Object.assign(this.view, { searching: false, ...told });
  }

  clear(): void {
    this.stop();
    Object.assign(this.view, NOTHING);
  }

  private stop(): void {
    this.forgetPause();
    this.underWay.abort();
  }
}
