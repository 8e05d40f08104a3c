/** The part of the browser's Storage that is used here. */
export interface KeyValues {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Keeps values as long as the page is open. */
export function memoryStorage(): KeyValues {
  const values = new Map<string, string>();
  return {
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** The browser's storage, or memory where the browser forbids it or has no room left. */
export function browserStorage(): KeyValues {
  return usable(() => localStorage);
}

/** The same for what only this tab keeps, and only until it is closed. */
export function tabStorage(): KeyValues {
  return usable(() => sessionStorage);
}

function usable(open: () => Storage): KeyValues {
  try {
    const storage = open();
    const probe = "lianxinqiao.probe";
    storage.setItem(probe, "1");
    storage.removeItem(probe);
    return storage;
  } catch {
    return memoryStorage();
  }
}
