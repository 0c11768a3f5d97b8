import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Exported, Signal } from "./gate";

const samples = join(__dirname, "../samples/claude-code");

/** A request that Claude Code 2.1.330 sent, as bytes. */
export function sample(signal: Signal, set = "grpc-default"): Buffer {
  const number = { metrics: "01", logs: "02", traces: "03" }[signal];
  return readFileSync(join(samples, set, `${number}-${signal}.bin`));
}

/** Attributes in order; the same key may come twice, which no SDK does and an attacker may. */
export type Attributes = [key: string, value: string][];

export interface Crafted {
  resource?: Attributes;
  scopeName?: string;
  scope?: Attributes;
  /** Of the one log record, span or datapoint. */
  record?: Attributes;
  /** Of the span's one event. */
  event?: { name: string; attributes: Attributes };
}

/** The bytes of an OTLP 1.5 export request with one record, written field by field (opentelemetry-proto). */
export function craft(signal: Signal, parts: Crafted): Buffer {
  const record = attributesAs(signal === "logs" ? 6 : signal === "traces" ? 9 : 7, parts.record);
  const event = parts.event
    ? [field(11, [text(2, parts.event.name), ...attributesAs(3, parts.event.attributes)])]
    : [];
  const item = {
    logs: () => field(2, [field(5, [text(1, "crafted")]), ...record]),
    traces: () =>
      field(2, [
        field(1, [Buffer.alloc(16, 1)]),
        field(2, [Buffer.alloc(8, 1)]),
        text(5, "crafted"),
        ...record,
        ...event,
      ]),
    metrics: () =>
      field(2, [text(1, "crafted"), field(7, [field(1, [...record, double(4, 1)]), varint(2, 1)])]),
  }[signal]();
  const scope = field(1, [text(1, parts.scopeName ?? "crafted"), ...attributesAs(3, parts.scope)]);
  const resource = field(1, attributesAs(1, parts.resource));
  return field(1, [resource, field(2, [scope, item])]);
}

function attributesAs(number: number, attributes: Attributes = []): Buffer[] {
  return attributes.map(([key, value]) =>
    field(number, [text(1, key), field(2, [text(1, value)])]),
  );
}

function field(number: number, content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([
    Buffer.from([...base128((number << 3) | 2), ...base128(body.length)]),
    body,
  ]);
}

const text = (number: number, value: string) => field(number, [Buffer.from(value)]);
const varint = (number: number, value: number) =>
  Buffer.from([...base128(number << 3), ...base128(value)]);

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(base128((number << 3) | 1)), bytes]);
}

function base128(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...base128(value >>> 7)];
}

/** Every attribute list of exported requests, by the level it stands on. */
export interface Levels {
  resource: Attributes[];
  scope: Attributes[];
  record: Attributes[];
  event: Attributes[];
}

export function levels(exported: Exported[]): Levels {
  const found: Levels = { resource: [], scope: [], record: [], event: [] };
  for (const request of exported)
    for (const group of [
      request.resourceLogs,
      request.resourceSpans,
      request.resourceMetrics,
    ].flatMap((all) => all ?? [])) {
      found.resource.push(plain(group.resource));
      for (const scoped of group.scopeLogs ?? group.scopeSpans ?? group.scopeMetrics) {
        found.scope.push(plain(scoped.scope));
        for (const item of scoped.logRecords ??
          scoped.spans ??
          scoped.metrics.flatMap(({ sum }: { sum: { dataPoints: unknown[] } }) => sum.dataPoints)) {
          found.record.push(plain(item));
          for (const event of item.events ?? []) found.event.push(plain(event));
        }
      }
    }
  return found;
}

function plain(
  holder: { attributes?: { key: string; value: Record<string, unknown> }[] } | undefined,
): Attributes {
  return (holder?.attributes ?? []).map(({ key, value }) => [key, String(Object.values(value)[0])]);
}

/** All values of one attribute on one level, once each. */
export function valuesOf(attributes: Attributes[], wanted: string): string[] {
  return [
    ...new Set(
      attributes.flatMap((list) =>
        list.filter(([key]) => key === wanted).map(([, value]) => value),
      ),
    ),
  ];
}

/** Fields of a protobuf message with length-delimited content, in order; others are passed over. */
function* fields(message: Buffer): Generator<{ number: number; content: Buffer }> {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = number();
    const kind = tag & 7;
    if (kind === 0) number();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else {
      const length = number();
      yield { number: tag >>> 3, content: message.subarray(at, at + length) };
      at += length;
    }
  }
}

/** The same request with at most `count` records (log records, spans or metrics) of each scope. */
export function firstRecords(request: Buffer, count: number): Buffer {
  const shorten = (message: Buffer, depth: number): Buffer[] => {
    let seen = 0;
    return [...fields(message)].flatMap(({ number, content }) => {
      if (number !== 2 && depth > 0) return [field(number, [content])];
      if (depth === 2) return seen++ < count ? [field(number, [content])] : [];
      return [field(number, shorten(content, depth + 1))];
    });
  };
  return Buffer.concat(shorten(request, 0));
}

/** Log records or spans of a request. */
export function countRecords(request: Buffer): number {
  const inner = (message: Buffer, wanted: number) =>
    [...fields(message)].filter(({ number }) => number === wanted).map(({ content }) => content);
  return inner(request, 1)
    .flatMap((group) => inner(group, 2))
    .flatMap((scope) => inner(scope, 2)).length;
}
