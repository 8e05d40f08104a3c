import type { Kind } from "./model";

const MEGABYTE = 1024 * 1024;
/** As the server has them (`intake/attachments/kinds.py`), in megabytes. */
export const LARGEST: Record<Kind, number> = { picture: 20, video: 50, voice: 10 };
export const ACCEPTED = "image/jpeg,image/png,image/webp,image/gif,video/mp4,video/quicktime,video/webm";

/** A file somebody chose, filmed or spoke. */
export interface Chosen {
  file: File;
  kind: Kind;
}

/** Why a file is not sent at all. */
export type Unfit = { reason: "tooLarge"; kind: Kind; size: string; most: number } | { reason: "notAllowed" };

/** What a picture or video is; a telephone does not always tell, and then the server looks. */
export function chosen(file: File): Chosen {
  return { file, kind: file.type.startsWith("video/") ? "video" : "picture" };
}

/** Null for a file that can be sent; the server looks again, and closer. */
export function unfit({ file, kind }: Chosen): Unfit | null {
  if (kind !== "voice" && file.type && !ACCEPTED.includes(file.type)) return { reason: "notAllowed" };
  const most = file.type ? LARGEST[kind] : LARGEST.video;
  if (file.size <= most * MEGABYTE) return null;
  return { reason: "tooLarge", kind, size: (file.size / MEGABYTE).toFixed(1), most };
}

/** The files that were pasted or dropped. */
export function filesIn(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])];
}
