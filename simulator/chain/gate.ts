/** The part of an OTLP request, JSON-encoded, that tells who sent what. */
export interface Received {
  resourceMetrics?: Of<{ scopeMetrics: { metrics: { name: string }[] }[] }>;
  resourceLogs?: Of<{ scopeLogs: { logRecords: { body: { stringValue: string } }[] }[] }>;
  resourceSpans?: Of<{ scopeSpans: { spans: { name: string }[] }[] }>;
}

type Of<Signal> = (Signal & {
  resource: { attributes: { key: string; value: { stringValue?: string } }[] };
})[];

/** A gate on loopback. */
export interface Gate {
  /** What it is, in words. */
  kind: string;
  port: number;
  /** Replaces the accepted keys, in force after reloadMs. */
  accept(keys: string[]): void;
  reloadMs: number;
  received(): Received[];
  stop(): Promise<void>;
}

/** One record and who it says it is from. */
export interface Arrival {
  signal: "metric" | "log" | "span";
  name: string;
  from: Record<string, string>;
}

/** Every record of the requests that passed a gate. */
export function arrivals(requests: Received[]): Arrival[] {
  return requests.flatMap((request) => [
    ...(request.resourceMetrics ?? []).flatMap(({ resource, scopeMetrics }) =>
      scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .map(({ name }) => ({ signal: "metric" as const, name, from: attributes(resource) })),
    ),
    ...(request.resourceLogs ?? []).flatMap(({ resource, scopeLogs }) =>
      scopeLogs
        .flatMap(({ logRecords }) => logRecords)
        .map(({ body }) => ({
          signal: "log" as const,
          name: body.stringValue,
          from: attributes(resource),
        })),
    ),
    ...(request.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) =>
      scopeSpans
        .flatMap(({ spans }) => spans)
        .map(({ name }) => ({ signal: "span" as const, name, from: attributes(resource) })),
    ),
  ]);
}

const attributes = ({
  attributes,
}: {
  attributes: { key: string; value: { stringValue?: string } }[];
}) => Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? ""]));
