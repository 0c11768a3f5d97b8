import type { Group, Message, Scope, Signal } from "../../simulator/otlp";

export type Value =
  | string
  | number
  | bigint
  | boolean
  | Buffer
  | Value[]
  | { [key: string]: Value };

export function anyValue(value: Value): Message {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "bigint") return { intValue: value.toString() };
  if (typeof value === "number") return { doubleValue: value };
  if (Buffer.isBuffer(value)) return { bytesValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { kvlistValue: { values: attributes(Object.entries(value)) } };
}

/** Attributes in order; the same name may come twice, which no SDK does and an attacker may. */
export const attributes = (entries: [string, Value][]): Message[] =>
  entries.map(([key, value]) => ({ key, value: anyValue(value) }));

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
/** What stands before a field of protobuf whose content has so many bytes. */
const head = (number: number, bytes: number) => Buffer.from([(number << 3) | 2, ...varint(bytes)]);
/** A field of protobuf, for what no encoder writes. */
export const field = (number: number, content: Buffer) =>
  Buffer.concat([head(number, content.length), content]);

// Fields of AnyValue.
const [arrayValue, bytesValue] = [5, 7];
/** The content of a list in a list and so on, written from the inside out: no encoder goes deep enough. */
export function nestedLists(levels: number): Buffer {
  const parts = [field(1, field(1, Buffer.from("x")))];
  let bytes = parts[0]?.length ?? 0;
  for (let level = 0; level < levels; level++)
    for (const number of [arrayValue, 1]) {
      const part = head(number, bytes);
      parts.push(part);
      bytes += part.length;
    }
  return Buffer.concat(parts.reverse());
}
/** The request whose bytes value with this content is a list instead. */
export function asList(request: Buffer, content: Buffer): Buffer {
  const [bytes, list] = [bytesValue, arrayValue].map((number) => head(number, content.length));
  const at = request.indexOf(Buffer.concat([bytes as Buffer, content]));
  if (at < 0) throw new Error("the request has no value of these bytes");
  return Buffer.concat([
    request.subarray(0, at),
    list as Buffer,
    request.subarray(at + (list as Buffer).length),
  ]);
}

export const nanoseconds = (milliseconds: number): string =>
  (BigInt(Math.round(milliseconds)) * 1_000_000n).toString();

/** Scopes of Claude Code 2.1.331, by signal. */
export const claudeScope: Record<Signal, string> = {
  metrics: "com.anthropic.claude_code",
  logs: "com.anthropic.claude_code.events",
  traces: "com.anthropic.claude_code.tracing",
};

export interface One {
  scope?: string;
  /** Fields of the record itself, over those of a good one. */
  record?: Message;
  /** Of the metric around a datapoint. */
  metric?: Message;
  resource?: [string, Value][];
  scopeFields?: Message;
  groupFields?: Message;
}

/** One good record as Claude Code sends it (now), with parts of it replaced. */
export function one(signal: Signal, parts: One = {}): Group<[Scope]> {
  const now = nanoseconds(Date.now());
  const scope = { name: parts.scope ?? claudeScope[signal], ...parts.scopeFields };
  const records = {
    logs: () => ({
      timeUnixNano: now,
      body: { stringValue: "claude_code.api_request" },
      attributes: attributes([["event.name", "api_request"]]),
      ...parts.record,
    }),
    traces: () => ({
      traceId: Buffer.alloc(16, 1),
      spanId: Buffer.alloc(8, 1),
      name: "claude_code.llm_request",
      startTimeUnixNano: now,
      endTimeUnixNano: now,
      ...parts.record,
    }),
    metrics: () => ({
      name: "claude_code.cost.usage",
      unit: "USD",
      sum: {
        aggregationTemporality: 1,
        isMonotonic: true,
        dataPoints: [{ timeUnixNano: now, asDouble: 1, ...parts.record }],
      },
      ...parts.metric,
    }),
  };
  return {
    resource: { attributes: attributes(parts.resource ?? [["service.name", "claude-code"]]) },
    scopes: [{ scope, records: [records[signal]()] }],
    ...parts.groupFields,
  };
}
