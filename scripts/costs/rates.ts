import type { Signal } from "../../infra/gate/ottl";

/** What one engineer at work makes of a machine, and how that is known. */
export interface Rate<Value = number> {
  value: Value;
  unit: string;
  how: "measured" | "computed" | "assumed";
  source: string;
}

const session = "the recorded session of Claude Code";
const engine = "the engine";
const containers = "the containers";

/**
 * Every engineer has a model call in every five seconds: the most that there can be. The engine is ClickHouse's with
 * SigNoz's schema in batches of 8000 rows; the containers are those of `npm run bench -- machine` with 50 and 200 engineers.
 */
export const rates = {
  rowsPerSecond: {
    value: { logs: 4 / 5, traces: 4 / 5, metrics: 18 / 60 },
    unit: "rows a second",
    how: "measured",
    source: session,
  },
  sentBytesPerSecond: {
    value: 1900,
    unit: "bytes a second sent, before compression",
    how: "measured",
    source: session,
  },
  sentCompression: {
    value: 9,
    unit: "times smaller on the way to SigNoz Cloud",
    how: "computed",
    source: "gzip of the recorded requests, 8 to 11",
  },
  storedBytesPerRow: {
    value: { logs: 82, traces: 69, metrics: 13 },
    unit: "bytes a row on the disk",
    how: "measured",
    source: engine,
  },
  cloudBytesPerRow: {
    value: { logs: 1100, traces: 1570 },
    unit: "bytes a row as SigNoz Cloud counts",
    how: "computed",
    source:
      "SigNoz's own rule (pkg/metering of its collector) on that session, before the gate takes content out",
  },
  vcpu: {
    value: { front: 0.0003, collector: 0.0011, clickhouse: 0.001 },
    unit: "vCPU, ClickHouse's at most",
    how: "measured",
    source: `${containers}, where an adapter in Python stands before ClickHouse's engine; a collector without SigNoz's exporters took 0.70 for 1000`,
  },
  storeMicrosPerRow: {
    value: { logs: 122, traces: 171, metrics: 20 },
    unit: "µs of a vCPU to insert a row at least",
    how: "measured",
    source: engine,
  },
  baseVcpu: {
    value: { front: 0.01, collector: 0.03, clickhouse: 0.14, others: 0.02 },
    unit: "vCPU of a machine without engineers",
    how: "measured",
    source: `${containers}, without SigNoz itself; before SigNoz Cloud taken as the same`,
  },
  baseMib: {
    value: { front: 18, collector: 37, clickhouse: 140 },
    unit: "MiB of memory without engineers",
    how: "measured",
    source: containers,
  },
  mib: {
    value: { front: 0.07, collector: 0.15, clickhouse: 0.8 },
    unit: "MiB of memory",
    how: "measured",
    source: `${containers} with empty tables; the front with 1000 engineers`,
  },
  requestsPerSecond: {
    value: 1 / 5,
    unit: "requests a second of logs, and as many of traces",
    how: "measured",
    source: session,
  },
  syncedRequests: {
    value: 0.6,
    unit: "requests of a signal in the time of a sync",
    how: "measured",
    source: "67 a second at 10 ms, 93 at 6 ms, 130 at 5 ms: one after the other",
  },
  syncSeconds: {
    value: 0.001,
    unit: "seconds of a sync",
    how: "assumed",
    source: "Google says less than a millisecond of its disks",
  },
  busyShare: {
    value: 0.8,
    unit: "of the processors",
    how: "assumed",
    source: "the rest is for dashboards and merges",
  },
  fullShare: {
    value: 0.8,
    unit: "of the data disk",
    how: "assumed",
    source: "where the alert of `diskUsedPercentLimit` comes by default",
  },
  hoursPerDay: { value: 8, unit: "hours of work a day", how: "assumed", source: "a working day" },
  daysPerWeek: { value: 5, unit: "days of work a week", how: "assumed", source: "a working week" },
} satisfies Record<string, Rate | Rate<Record<string, number>>>;

/** A container whose use grows with the engineers. */
export type Container = keyof typeof rates.vcpu.value;

export const signals: Signal[] = ["logs", "traces", "metrics"];

/** A sum over the signals. */
export const perSignal = (of: (signal: Signal) => number): number =>
  signals.reduce((sum, signal) => sum + of(signal), 0);

/** Share of a week's days on which an engineer works. */
export const workingDays = rates.daysPerWeek.value / 7;

/** Seconds of work on a day that has any. */
export const secondsPerDay = rates.hoursPerDay.value * 3600;

/** Rows of one engineer on a day of work. */
export const rowsPerDay = (signal: Signal): number =>
  rates.rowsPerSecond.value[signal] * secondsPerDay;
