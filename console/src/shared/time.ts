const clock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric" });

/** The time of day in the city; with the date when that is not today. */
export function timeOf(at: number, now: number = Date.now()): string {
  const date = day.format(at);
  return date === day.format(now) ? clock.format(at) : `${date} ${clock.format(at)}`;
}

/** A moment of an order in the city's time, in the words of a language. */
export function momentOf(at: string, locale: string): string {
  const parts = { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return new Intl.DateTimeFormat(locale, { timeZone: "Asia/Shanghai", ...parts }).format(new Date(at));
}
