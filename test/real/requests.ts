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
