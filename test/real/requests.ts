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

/** Lists in lists as the content of the outermost, written from the inside out: no encoder goes deep enough. */
export function nestedLists(levels: number): Buffer {
  const innermost = Buffer.from([0x0a, 0x03, 0x0a, 0x01, 0x78]);
  const heads: Buffer[] = [innermost];
  let length = innermost.length;
  for (let level = 0; level < levels; level++)
    for (const tag of [0x2a, 0x0a]) {
      const head = Buffer.from([tag, ...varint(length)]);
      heads.push(head);
      length += head.length;
    }
  return Buffer.concat(heads.reverse());
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

/** The request in which the value that has these bytes is the list that they are the content of. */
export function asList(request: Buffer, content: Buffer): Buffer {
  const [bytesValue, arrayValue] = [0x3a, 0x2a];
  const tag = request.indexOf(content) - varint(content.length).length - 1;
  if (request[tag] !== bytesValue) throw new Error("the request has no value of these bytes");
  const changed = Buffer.from(request);
  changed[tag] = arrayValue;
  return changed;
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
