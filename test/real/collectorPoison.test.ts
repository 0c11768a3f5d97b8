import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../infra/gate/limits";
import type { Exported, Signal } from "./gate";
import { type Pipelines, signals, startPipelines } from "./pipelines";
import {
  attributes,
  encode,
  type Message,
  nanoseconds,
  type One,
  one,
  type Value,
} from "./requests";

let collector: Pipelines;
beforeAll(async () => {
  collector = await startPipelines();
});
afterAll(() => collector.stop());

const day = 86_400_000;
const at = (milliseconds: number) => nanoseconds(Date.now() + milliseconds);
const timed = (signal: Signal, time: string): One => ({
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

type Case = [what: string, signal: Signal, parts: One, reason: string];
const retention: Record<Signal, number> = { metrics: 180, logs: 30, traces: limits.spanDays };
const times = signals.flatMap((signal): Case[] => [
  [
    "a day older than it is kept",
    signal,
    timed(signal, at(-(retention[signal] + 1) * day)),
    "too_old",
  ],
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
const poison: Case[] = [
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

const records = (exported: Exported[]): Message[] =>
  exported.flatMap((request) =>
    [request.resourceLogs, request.resourceSpans, request.resourceMetrics]
      .flatMap((all) => all ?? [])
      .flatMap((group) => group.scopeLogs ?? group.scopeSpans ?? group.scopeMetrics)
      .flatMap((scope) => scope.logRecords ?? scope.spans ?? scope.metrics)
      .flatMap(
        (record) => (record.sum ?? record.gauge ?? record.histogram)?.dataPoints ?? [record],
      ),
  );
const attribute = (record: Message, name: string) =>
  record.attributes?.find(({ key }: Message) => key === name)?.value.stringValue;
/** How many of which reason the gate counted. */
const counted = (counts: Exported[]) => {
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

describe("a poisoned record", () => {
  it.each(poison)(
    "%s (%s) is refused, counted and kept aside, and its neighbours pass",
    async (_, signal, parts, reason) => {
      const innocent = one(signal, {
        resource: [
          ["service.name", "claude-code"],
          ["engineer", "erin"],
        ],
      });
      const poisoned = one(signal, parts);
      // In one resource and scope with an innocent one, and beside another resource.
      if (!parts.scope) poisoned.scopes[0].records.push(innocent.scopes[0].records[0]);
      const { stored, refused, counts } = await collector.pass(
        signal,
        encode(signal, [poisoned, innocent]),
      );
      expect(records(stored)).toHaveLength(parts.scope ? 1 : 2);
      expect(
        new Set(records(refused).map((record) => attribute(record, "refused.reason"))),
      ).toEqual(new Set([reason]));
      expect(counted(counts)).toEqual({ [reason]: records(refused).length });
      expect(JSON.stringify(stored)).not.toContain("refused.reason");
    },
  );

  it("counts the number of cases above", () => {
    console.log(`poison: ${poison.length} cases`);
    expect(poison.length).toBeGreaterThan(30);
  });

  it.each(signals)("%s: the edges of the window pass", async (signal) => {
    for (const time of [-(retention[signal] - 0.01) * day, 0, 0.9 * 3_600_000]) {
      const { stored, refused } = await collector.pass(
        signal,
        encode(signal, [one(signal, timed(signal, at(time)))]),
      );
      expect([records(stored).length, refused]).toEqual([1, []]);
    }
  });

  it("a log record without a time gets the observed one, or now", async () => {
    const { stored } = await collector.pass(
      "logs",
      encode("logs", [one("logs", { record: { timeUnixNano: "0" } })]),
    );
    const age = Date.now() - Number(BigInt(records(stored)[0].timeUnixNano) / 1_000_000n);
    expect(Math.abs(age)).toBeLessThan(10_000);
  });
});

describe("what is cut", () => {
  const cut: [string, Value][] = [
    ["a nested map", { a: { b: { c: "deep" } } }],
    ["a list of lists", [[["deep"]]]],
    ["a long list", ["deep", "deep"]],
    ["not a number", Number.NaN],
    ["infinite", Number.POSITIVE_INFINITY],
    ["a long text", "x".repeat(100_000)],
  ];
  it.each(
    signals.flatMap((signal) =>
      cut.map(([what, value]): [Signal, string, Value] => [signal, what, value]),
    ),
  )("%s: %s becomes short and flat", async (signal, _, value) => {
    const parts: One = {
      record: { attributes: attributes([["model", value]]) },
      resource: [["service.name", value]],
    };
    const { stored } = await collector.pass(signal, encode(signal, [one(signal, parts)]));
    const text = JSON.stringify(stored);
    expect(records(stored)).toHaveLength(1);
    expect(text).not.toMatch(/deep|NaN"|Infinity|kvlist|x{300}/);
  });

  it("twenty thousand levels do not take the collector down", async () => {
    // Each level is an ArrayValue within an AnyValue, written from the inside out.
    let nested = Buffer.from([0x0a, 0x01, 0x78]);
    const wrap = (tag: number, content: Buffer) => {
      const length: number[] = [];
      for (let rest = content.length; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest < 128) break;
      }
      return Buffer.concat([Buffer.from([tag, ...length]), content]);
    };
    for (let level = 0; level < 20_000; level++) nested = wrap(0x2a, wrap(0x0a, nested));
    const attribute = wrap(
      0x0a,
      wrap(0x0a, Buffer.concat([wrap(0x0a, Buffer.from("model")), wrap(0x12, nested)])),
    );
    const status = await collector.send("logs", wrap(0x0a, attribute));
    expect(typeof status).toBe("number");
    expect(collector.exited()).toBe(false);
    const { stored } = await collector.pass("logs", encode("logs", [one("logs")]));
    expect(records(stored).length).toBeGreaterThan(0);
  });
});
