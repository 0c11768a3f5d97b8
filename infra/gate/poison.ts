/** Which records are refused and what of a value is cut: no sender's mistake may stop or spoil what others sent. */
import { limits } from "./limits";
import type { GateOptions } from "./options";
import { refusedReason } from "./ottl";

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
/** Asked of every record, so the clock is read once; which side it is out of is asked of the odd ones. */
export const age = (path: string) => `set(cache["age"], UnixNano(Now()) - ${path})`;
export const ofAge = (days: number) =>
  `cache["age"] > ${nanoseconds(days * 24)} or cache["age"] < -${nanoseconds(limits.futureHours)}`;
export const tooMany = `Len(attributes) > ${limits.attributes}`;
export const atMost = (bytes: number) => `truncate_all(attributes, ${bytes})`;
export const valueBytes = ({ keepContent }: GateOptions) =>
  keepContent ? limits.contentBytes : limits.valueBytes;
