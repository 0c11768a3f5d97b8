/** Export requests of OTLP 1.5, as bytes and as objects that are the same for every signal. */
import { join } from "node:path";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { Signal } from "../infra/gate/ottl";

export type { Signal };

// biome-ignore lint/suspicious/noExplicitAny: a message of otlp.proto, written or read by path
export type Message = any;

/** A resource and what it sent, by scope. */
export interface Group<Scopes = Scope[]> {
  resource?: Message;
  schemaUrl?: string;
  scopes: Scopes;
}

export interface Scope {
  scope?: Message;
  schemaUrl?: string;
  /** Log records, spans or metrics. */
  records: Message[];
}

/** What OTLP calls groups, scopes and records of each signal. */
const fields = {
  metrics: { groups: "resourceMetrics", scopes: "scopeMetrics", records: "metrics" },
  logs: { groups: "resourceLogs", scopes: "scopeLogs", records: "logRecords" },
  traces: { groups: "resourceSpans", scopes: "scopeSpans", records: "spans" },
} satisfies Record<Signal, Record<"groups" | "scopes" | "records", string>>;
export const signals = Object.keys(fields) as Signal[];

export const exportPath: Record<Signal, string> = {
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

const loaded = loadSync(join(__dirname, "otlp.proto"), { longs: String })["otlp.Export"];
/** The three export methods, by signal. */
export const exportService = Object.fromEntries(
  signals.map((signal) => [
    signal,
    { ...(loaded as ServiceDefinition)[signal], path: exportPath[signal] },
  ]),
) as Record<Signal, MethodDefinition<Message, Message>>;

/** The bytes of an export request. */
export function encode(signal: Signal, groups: Group[]): Buffer {
  const { groups: all, scopes: within, records: each } = fields[signal];
  return exportService[signal].requestSerialize({
    [all]: groups.map(({ scopes, ...group }) => ({
      ...group,
      [within]: scopes.map(({ records, ...scope }) => ({ ...scope, [each]: records })),
    })),
  });
}

export const decode = (signal: Signal, bytes: Buffer): Group[] =>
  groupsOf(signal, exportService[signal].requestDeserialize(bytes));

/** The groups of a request of any signal, decoded or in OTLP's JSON encoding; none where it is of another signal. */
export function groupsOf(signal: Signal, request: Message): Group[] {
  const { groups: all, scopes: within, records: each } = fields[signal];
  return (request[all] ?? []).map(({ [within]: scopes, ...group }: Message) => ({
    ...group,
    scopes: (scopes ?? []).map(({ [each]: records, ...scope }: Message) => ({
      ...scope,
      records: records ?? [],
    })),
  }));
}
