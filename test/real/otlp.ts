import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decode, encode, groupsOf, type Signal, signals } from "../../simulator/otlp";
import type { Exported } from "./gate";

const samples = join(__dirname, "../samples/claude-code");

/** A request that Claude Code 2.1.330 sent, as bytes. */
export function sample(signal: Signal, set = "grpc-default"): Buffer {
  const number = { metrics: "01", logs: "02", traces: "03" }[signal];
  return readFileSync(join(samples, set, `${number}-${signal}.bin`));
}

/** Attributes in order; the same key may come twice, which no SDK does and an attacker may. */
export type Attributes = [key: string, value: string][];

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
    for (const signal of signals)
      for (const { resource, scopes } of groupsOf(signal, request)) {
        found.resource.push(plain(resource));
        for (const { scope, records } of scopes) {
          found.scope.push(plain(scope));
          for (const item of records.flatMap(({ sum, ...record }) => sum?.dataPoints ?? record)) {
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

/** The same request with at most `count` records (log records, spans or metrics) of each scope. */
export const firstRecords = (signal: Signal, request: Buffer, count: number): Buffer =>
  encode(
    signal,
    decode(signal, request).map((group) => ({
      ...group,
      scopes: group.scopes.map((scope) => ({ ...scope, records: scope.records.slice(0, count) })),
    })),
  );

/** Log records, spans or metrics of a request. */
export const countRecords = (signal: Signal, request: Buffer): number =>
  decode(signal, request).flatMap(({ scopes }) => scopes.flatMap(({ records }) => records)).length;
