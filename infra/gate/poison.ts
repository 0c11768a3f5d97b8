/** Which records are refused and what of a value is cut: no sender's mistake may stop or spoil what others sent. */
import { limits } from "./limits";
import type { GateOptions } from "./options";
import { newest, oldest, refusedReason, type Statements } from "./ottl";

/** Why a record is refused: values of the attribute `refused.reason`. */
export const reasons = [
  "too_old",
  "in_future",
  "not_a_number",
  "negative",
  "absurd",
  "unlisted_metric",
  "exponential_histogram",
  "ends_before_start",
  "too_many_attributes",
  "too_many_parts",
] as const;
type Reason = (typeof reasons)[number];

export const refuse = (reason: Reason, where: string) =>
  `set(attributes["${refusedReason}"], "${reason}") where ${where}`;
const nanoseconds = (hours: number) => (BigInt(hours) * 3_600_000_000_000n).toString();
export const before = (path: string, days: number) =>
  `${path} < UnixNano(Now()) - ${nanoseconds(days * 24)}`;
export const inFuture = (path: string) =>
  `${path} > UnixNano(Now()) + ${nanoseconds(limits.futureHours)}`;
/** Asked of every record, so the clock is read once a resource; which side it is out of is asked of the odd ones. */
export const setClock = (days: number) => [
  `set(attributes["${oldest}"], UnixNano(Now()) - ${nanoseconds(days * 24)})`,
  `set(attributes["${newest}"], UnixNano(Now()) + ${nanoseconds(limits.futureHours)})`,
];
export const tooOld = (path: string) => `${path} < resource.attributes["${oldest}"]`;
export const tooNew = (path: string) => `${path} > resource.attributes["${newest}"]`;
export const takeClock: Statements = {
  context: "resource",
  statements: [oldest, newest].map((name) => `delete_key(attributes, "${name}")`),
};
export const tooMany = `Len(attributes) > ${limits.attributes}`;
export const atMost = (bytes: number) => `truncate_all(attributes, ${bytes})`;
export const valueBytes = ({ keepContent }: GateOptions) =>
  keepContent ? limits.contentBytes : limits.valueBytes;
