/** Every text in a value, wherever it stands: strings, keys, and whatever else as it is written. */
export function textsOf(value: unknown): string[] {
  if (value === null || typeof value !== "object") return [String(value)];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsOf(item)]);
}
