/** Words of the OpenTelemetry Transformation Language (OTTL), and the names that the gate's steps tell each other. */

export type Signal = "metrics" | "logs" | "traces";

export interface Statements {
  context: string;
  conditions?: string[];
  statements: string[];
}

/** Names that the gate itself puts on records and resources. */
export const odd = "monitoring.odd";
export const content = "monitoring.content";
export const owner = "monitoring.owner";
export const oldest = "monitoring.oldest";
export const newest = "monitoring.newest";
export const refusedReason = "refused.reason";
export const unkept = "refused.unkept";
export const redactedKeys = "redaction.redacted.keys";

export const quote = (text: string) => JSON.stringify(text);
/** The names as alternatives of a regular expression. */
const alternatives = (names: readonly string[]) =>
  names.map((name) => name.replace(/[.*+?^${}()|[\]\\$]/g, "\\$&")).join("|");
/** A regular expression, as OTTL text, that matches one of the names and nothing else. */
export const oneOf = (names: readonly string[]) => quote(`^(?:${alternatives(names)})$$`);
export const any = (...conditions: string[]) => conditions.join(" or ");
/** A floating-point literal, which is what OTTL compares doubles with. */
export const float = (value: number) => value.toFixed(1);
export const matches = (path: string, pattern: string) => `IsMatch(${path}, ${quote(pattern)})`;
export const marked = `set(resource.attributes["${odd}"], true)`;
