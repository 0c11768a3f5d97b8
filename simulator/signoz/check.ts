/** A small language for closed JSON shapes: an unknown field is an error, as SigNoz' strict decoding has it. */

export type Check = (value: unknown, path: string) => string[];

const wrong = (path: string, expected: string, value: unknown): string[] => [
  `${path}: expected ${expected}, got ${JSON.stringify(value)?.slice(0, 80)}`,
];

export const string: Check = (value, path) =>
  typeof value === "string" ? [] : wrong(path, "a string", value);
export const number: Check = (value, path) =>
  typeof value === "number" ? [] : wrong(path, "a number", value);
export const boolean: Check = (value, path) =>
  typeof value === "boolean" ? [] : wrong(path, "a boolean", value);
export const any: Check = () => [];

export const matching =
  (pattern: RegExp): Check =>
  (value, path) =>
    typeof value === "string" && pattern.test(value) ? [] : wrong(path, `${pattern}`, value);

export const oneOf =
  (...values: unknown[]): Check =>
  (value, path) =>
    values.includes(value) ? [] : wrong(path, `one of ${values.join(", ")}`, value);

export const array =
  (item: Check, { min = 0, max = Number.POSITIVE_INFINITY } = {}): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return wrong(path, "an array", value);
    if (value.length < min || value.length > max)
      return wrong(path, `${min} to ${max} items`, value);
    return value.flatMap((element, index) => item(element, `${path}[${index}]`));
  };

export const record =
  (item: Check): Check =>
  (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return wrong(path, "an object", value);
    return Object.entries(value).flatMap(([key, element]) => item(element, `${path}.${key}`));
  };

/** A closed object. */
export const object =
  (required: Record<string, Check>, optional: Record<string, Check> = {}): Check =>
  (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return wrong(path, "an object", value);
    const fields: Record<string, Check> = { ...required, ...optional };
    const present = value as Record<string, unknown>;
    return [
      ...Object.keys(required)
        .filter((key) => present[key] === undefined)
        .map((key) => `${path}.${key}: is required`),
      ...Object.entries(present).flatMap(([key, element]) =>
        fields[key] ? fields[key](element, `${path}.${key}`) : [`${path}.${key}: unknown field`],
      ),
    ];
  };

/** A closed object whose shape follows from one of its fields. */
export const by =
  (field: string, shapes: Record<string, Check>): Check =>
  (value, path) => {
    const shape = shapes[(value as Record<string, string>)?.[field] ?? ""];
    return shape
      ? shape(value, path)
      : wrong(`${path}.${field}`, `one of ${Object.keys(shapes).join(", ")}`, value);
  };

export const all =
  (...checks: Check[]): Check =>
  (value, path) =>
    checks.flatMap((check) => check(value, path));
