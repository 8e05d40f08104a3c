/** The path of each text with the blanks it has, in order: what tests compare between languages. */
export function shapeOf(texts: object, path = ""): string[] {
  const found = Object.entries(texts).flatMap(([name, value]: [string, unknown]) =>
    typeof value === "string"
      ? [`${path}${name} ${(value.match(/\{\w+\}/g) ?? []).sort().join(" ")}`]
      : shapeOf(value as object, `${path}${name}.`),
  );
  return found.sort();
}
