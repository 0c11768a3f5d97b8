/** The known month as OTLP requests, and a way to send them to a gate. */
import { createHash } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import { encode, exportPath, type Signal } from "../otlp";
import type { Month, Point, Span } from "./month";

export interface Batch {
  signal: Signal;
  /** Owner of the key it is to come with; absent = a shared key. */
  owner?: string;
  bytes: Buffer;
  records: number;
}

const scopes: Record<Signal, string> = {
  metrics: "com.anthropic.claude_code",
  logs: "com.anthropic.claude_code.events",
  traces: "com.anthropic.claude_code.tracing",
};

type Entry = string | number | boolean;
const anyValue = (value: Entry) =>
  typeof value === "string"
    ? { stringValue: value }
    : typeof value === "boolean"
      ? { boolValue: value }
      : Number.isInteger(value)
        ? { intValue: String(value) }
        : { doubleValue: value };
const attributes = (values: Record<string, Entry>) =>
  Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));
const nanoseconds = (at: number): string => (BigInt(at) * 1_000_000n).toString();

type Record_ = Month["logs"][number];
const asRecord: Record<Signal, (record: Record_) => object> = {
  metrics: (record) => {
    const { at, name, value, attributes: own } = record as Point;
    const point = {
      startTimeUnixNano: nanoseconds(at - 1000),
      timeUnixNano: nanoseconds(at),
      asDouble: value,
      attributes: attributes(own),
    };
    return { name, sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] } };
  },
  logs: ({ at, name, attributes: own }) => ({
    timeUnixNano: nanoseconds(at),
    observedTimeUnixNano: nanoseconds(at),
    body: { stringValue: name },
    attributes: attributes(own),
  }),
  traces: (record) => {
    const { at, name, durationNano, attributes: own } = record as Span;
    const id = createHash("sha256").update(`${own["session.id"]} ${at} ${name}`).digest();
    return {
      traceId: id.subarray(0, 16),
      spanId: id.subarray(16, 24),
      name,
      kind: 1,
      startTimeUnixNano: nanoseconds(at),
      endTimeUnixNano: (BigInt(at) * 1_000_000n + BigInt(durationNano)).toString(),
      attributes: attributes(own),
    };
  },
};

/** One request a session and signal, as a client's own exporter batches it. */
export function batches(month: Month): Batch[] {
  const all: [Signal, Record_[]][] = [
    ["metrics", month.points],
    ["logs", month.logs],
    ["traces", month.spans],
  ];
  return all.flatMap(([signal, records]) => {
    return [...bySession(records).values()].map((records): Batch => {
      const { attributes: own, owner, version } = records[0] as Record_;
      const { engineer = "", team } = own;
      const resource = attributes({
        engineer,
        ...(team !== undefined && { team }),
        "service.name": "claude-code",
        "service.version": version,
      });
      const scope = { name: scopes[signal], version };
      const groups = [
        {
          resource: { attributes: resource },
          scopes: [{ scope, records: records.map(asRecord[signal]) }],
        },
      ];
      const bytes = encode(signal, groups);
      return { signal, ...(owner && { owner }), bytes, records: records.length };
    });
  });
}

/** Map.groupBy is younger than Node 20. */
function bySession(records: Record_[]): Map<unknown, Record_[]> {
  const sessions = new Map<unknown, Record_[]>();
  for (const record of records) {
    const id = record.attributes["session.id"];
    sessions.set(id, [...(sessions.get(id) ?? []), record]);
  }
  return sessions;
}

/**
 * A client of a gate: of the front over TLS with an ingestion key, or of the collector behind it.
 * @param headers e.g. `{"signoz-ingestion-key": …}`
 * @throws what gRPC answers when it is not OK
 */
export function sender(url: string, certificateAuthority?: string) {
  const { host, protocol } = new URL(url);
  const client = new grpc.Client(
    host,
    protocol === "https:"
      ? grpc.credentials.createSsl(certificateAuthority ? Buffer.from(certificateAuthority) : null)
      : grpc.credentials.createInsecure(),
  );
  return {
    send: ({ signal, bytes }: Batch, headers: Record<string, string>): Promise<void> => {
      const metadata = new grpc.Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      return new Promise((resolve, reject) =>
        client.makeUnaryRequest(
          exportPath[signal],
          (request: Buffer) => request,
          () => undefined,
          bytes,
          metadata,
          { deadline: Date.now() + 30_000 },
          (error) => (error ? reject(error) : resolve()),
        ),
      );
    },
    close: () => client.close(),
  };
}
