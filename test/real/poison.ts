import { limits } from "../../infra/gate/limits";
import { defaultGate } from "../../infra/gate/options";
import { type Message, type Signal, signals } from "../../simulator/otlp";
import type { Exported } from "./gate";
import { attributes, nanoseconds, type One, type Value } from "./requests";

export const day = 86_400_000;
/** The time so many milliseconds from now. */
export const at = (milliseconds: number) => nanoseconds(Date.now() + milliseconds);
export const timed = (signal: Signal, time: string): One => ({
  record:
    signal === "traces"
      ? { startTimeUnixNano: time, endTimeUnixNano: time }
      : { timeUnixNano: time, observedTimeUnixNano: time },
});
const points = (count: number, point: (index: number) => Message): One => ({
  metric: {
    sum: {
      aggregationTemporality: 1,
      isMonotonic: true,
      dataPoints: Array.from({ length: count }, (_, index) => ({
        timeUnixNano: at(0),
        asDouble: 1,
        ...point(index),
      })),
    },
  },
});
const valued = (value: number): One => ({ record: { asDouble: value } });
const histogram = (fields: Message): One => ({
  scope: "@opentelemetry/instrumentation-http",
  metric: {
    name: "http.server.request.duration",
    sum: undefined,
    histogram: {
      aggregationTemporality: 1,
      dataPoints: [
        {
          timeUnixNano: at(0),
          count: "1",
          sum: 1,
          bucketCounts: ["1"],
          explicitBounds: [],
          ...fields,
        },
      ],
    },
  },
});
const summary = (fields: Message): One => ({
  scope: "@opentelemetry/instrumentation-http",
  metric: {
    name: "http.server.request.duration",
    sum: undefined,
    summary: { dataPoints: [{ timeUnixNano: at(0), count: "1", sum: 1, ...fields }] },
  },
});
const cost = (value: number): One => ({
  record: {
    attributes: attributes([
      ["event.name", "api_request"],
      ["cost_usd", value],
    ]),
  },
});
const many = (count: number): [string, Value][] =>
  Array.from({ length: count }, () => ["model", "m"]);

export type Case = [what: string, signal: Signal, parts: One, reason: string];
/** Days that a record may be old. */
export const ages: Record<Signal, number> = {
  ...defaultGate.retentionDays,
  traces: limits.spanDays,
};
const times = signals.flatMap((signal): Case[] => [
  ["a day older than it is kept", signal, timed(signal, at(-(ages[signal] + 1) * day)), "too_old"],
  ["of 1970", signal, timed(signal, "1"), "too_old"],
  ["two hours ahead", signal, timed(signal, at(2 * 3_600_000)), "in_future"],
  ["of the year 2100", signal, timed(signal, at(74 * 365 * day)), "in_future"],
  [
    "at the end of a signed 64-bit number",
    signal,
    timed(signal, "9223372036854775807"),
    "in_future",
  ],
  ["beyond a signed 64-bit number", signal, timed(signal, "18446744073709551615"), "too_old"],
]);
/** One record that is not to be stored, and why. */
export const poison: Case[] = [
  ...times,
  ["a datapoint without a time", "metrics", timed("metrics", "0"), "too_old"],
  ["not a number", "metrics", valued(Number.NaN), "not_a_number"],
  ["infinite", "metrics", valued(Number.POSITIVE_INFINITY), "absurd"],
  ["infinite downwards", "metrics", valued(Number.NEGATIVE_INFINITY), "negative"],
  ["a negative cost", "metrics", valued(-1), "negative"],
  ["a cost of a million", "metrics", valued(1e6), "absurd"],
  ["a value beyond 2^53", "metrics", valued(1e300), "absurd"],
  ["a negative whole number", "metrics", { record: { asInt: "-5" } }, "negative"],
  ["a huge whole number", "metrics", { record: { asInt: "9223372036854775807" } }, "absurd"],
  [
    "tokens by the trillion",
    "metrics",
    { metric: { name: "claude_code.token.usage" }, record: { asDouble: 1e12 } },
    "absurd",
  ],
  [
    "a histogram's sum that is no number",
    "metrics",
    histogram({ sum: Number.NaN }),
    "not_a_number",
  ],
  ["a histogram's infinite sum", "metrics", histogram({ sum: Number.POSITIVE_INFINITY }), "absurd"],
  [
    "a histogram of 100 buckets",
    "metrics",
    histogram({
      bucketCounts: Array(101).fill("1"),
      explicitBounds: Array.from({ length: 100 }, (_, i) => i),
    }),
    "too_many_parts",
  ],
  [
    "a summary of 100 quantiles",
    "metrics",
    summary({
      quantileValues: Array.from({ length: 100 }, (_, i) => ({ quantile: i / 100, value: i })),
    }),
    "too_many_parts",
  ],
  ["a summary's sum that is no number", "metrics", summary({ sum: Number.NaN }), "not_a_number"],
  ["a summary's infinite sum", "metrics", summary({ sum: Number.NEGATIVE_INFINITY }), "absurd"],
  [
    "an exponential histogram",
    "metrics",
    {
      scope: "@opentelemetry/instrumentation-http",
      metric: {
        name: "http.server.request.duration",
        sum: undefined,
        exponentialHistogram: {
          aggregationTemporality: 1,
          dataPoints: [
            {
              ...{ timeUnixNano: at(0), count: "1", sum: 1, scale: 2 },
              positive: { offset: 0, bucketCounts: ["1"] },
            },
          ],
        },
      },
    },
    "exponential_histogram",
  ],
  [
    "more datapoints than a metric may have",
    "metrics",
    points(limits.pointsPerMetric + 1, (i) => ({
      attributes: attributes([["session.id", `s${i}`]]),
    })),
    "too_many_parts",
  ],
  [
    "an unlisted metric",
    "metrics",
    { metric: { name: "claude_code is a sentence" } },
    "unlisted_metric",
  ],
  [
    "a span that ends before it starts",
    "traces",
    { record: { endTimeUnixNano: at(-60_000) } },
    "ends_before_start",
  ],
  ["a span without an end", "traces", { record: { endTimeUnixNano: "0" } }, "ends_before_start"],
  [
    "a span of a thousand events",
    "traces",
    { record: { events: Array(1000).fill({ name: "exception", timeUnixNano: at(0) }) } },
    "too_many_parts",
  ],
  [
    "a span of a thousand links",
    "traces",
    {
      record: {
        links: Array(1000).fill({ traceId: Buffer.alloc(16, 2), spanId: Buffer.alloc(8, 2) }),
      },
    },
    "too_many_parts",
  ],
  ["a negative cost in a log", "logs", cost(-0.5), "negative"],
  ["an absurd cost in a log", "logs", cost(1e9), "absurd"],
  ...signals.map(
    (signal): Case => [
      "the same attribute 1,000 times",
      signal,
      { record: { attributes: attributes(many(1000)) } },
      "too_many_attributes",
    ],
  ),
];

/** Records of exported requests: datapoints, log records, spans. */
export const records = (exported: Exported[]): Message[] =>
  exported.flatMap((request) =>
    [request.resourceLogs, request.resourceSpans, request.resourceMetrics]
      .flatMap((all) => all ?? [])
      .flatMap((group) => group.scopeLogs ?? group.scopeSpans ?? group.scopeMetrics)
      .flatMap((scope) => scope.logRecords ?? scope.spans ?? scope.metrics)
      .flatMap(
        (record) =>
          (
            record.sum ??
            record.gauge ??
            record.histogram ??
            record.exponentialHistogram ??
            record.summary
          )?.dataPoints ?? [record],
      ),
  );
export const attribute = (record: Message, name: string) =>
  record.attributes?.find(({ key }: Message) => key === name)?.value.stringValue;
/** How many of which reason the gate counted. */
export const counted = (counts: Exported[]) => {
  const found: Record<string, number> = {};
  for (const metric of counts
    .flatMap(({ resourceMetrics }) => resourceMetrics ?? [])
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics))
    for (const point of metric.sum.dataPoints)
      for (const { key, value } of point.attributes)
        if (key === "refused.reason")
          found[value.stringValue] = (found[value.stringValue] ?? 0) + Number(point.asInt);
  return found;
};
