import { groupsOf, type Message, signals } from "../otlp";

/** A gate on loopback. */
export interface Gate {
  /** What it is, in words. */
  kind: string;
  port: number;
  /** Replaces the accepted keys, in force after reloadMs. */
  accept(keys: string[]): void;
  reloadMs: number;
  /** The requests that passed, as objects in OTLP's JSON encoding. */
  received(): Message[];
  stop(): Promise<void>;
}

/** One record and who it says it is from. */
export interface Arrival {
  signal: "metric" | "log" | "span";
  name: string;
  from: Record<string, string>;
}

const kinds = { metrics: "metric", logs: "log", traces: "span" } as const;

/** Every record of the requests that passed a gate. */
export const arrivals = (requests: Message[]): Arrival[] =>
  requests.flatMap((request) =>
    signals.flatMap((signal) =>
      groupsOf(signal, request).flatMap(({ resource, scopes }) =>
        scopes
          .flatMap(({ records }) => records)
          .map(({ name, body }) => ({
            signal: kinds[signal],
            name: name ?? body.stringValue,
            from: texts(resource.attributes),
          })),
      ),
    ),
  );

const texts = (attributes: { key: string; value: { stringValue?: string } }[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? ""]));
