/** A sentence at a seat's hand, by what it is for. */
export interface Canned {
  name: string;
  text: string;
}

/** What was typed after a "/" that begins the remark, or null when it begins otherwise or goes on in a second line. */
export function sought(written: string): string | null {
  return /^\/(\S*)$/.exec(written)?.[1] ?? null;
}

/** The sentences whose name or words hold what is sought; those whose name begins with it first. */
export function matching(canned: Readonly<Record<string, string>>, words: string): Canned[] {
  const all = Object.entries(canned).map(([name, text]) => ({ name, text }));
  const fitting = all.filter(({ name, text }) => name.includes(words) || text.includes(words));
  return [...fitting.filter((each) => each.name.startsWith(words)), ...fitting.filter((each) => !each.name.startsWith(words))];
}
