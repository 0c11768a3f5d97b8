/** Records that no SDK makes and any client may send: odd values in every field of OTLP. */
import fc from "fast-check";
import { conventionMetrics } from "../../../infra/gate/allowed";
import type { Message, Signal } from "../../../simulator/otlp";
import { anyValue, attributes, claudeScope, nanoseconds, type Value } from "../requests";

// What is not UTF-8 comes as a lone surrogate, which the encoder writes as three bytes of no character.
const text = fc.oneof(
  fc.constantFrom(
    "",
    "\0",
    "\uD800",
    "a\uDFFFb",
    "'",
    '"',
    "\\",
    "%00",
    "NaN",
    "{}",
    "\u202e",
    "€",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constant("x".repeat(5000)),
);
const integer = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n),
  fc.bigInt(-1000n, 1000n),
);
const count = fc.oneof(fc.constantFrom("0", "1", "18446744073709551615"), fc.nat(9).map(String));
const double = fc.oneof(fc.double(), fc.double({ min: 0, max: 100 }));
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    double,
    integer,
    fc.boolean(),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3 }),
  ),
})).value;
const name = fc.oneof(
  // What the exporters or the tables use themselves, and what the gate lets through by name.
  fc.constantFrom(
    ...["le", "quantile", "__name__", "__temporality__", "__normalized", "env", "engineer", "team"],
    ...[
      "service.name",
      "deployment.environment",
      "host.name",
      "model",
      "tool_name",
      "type",
      "event.name",
    ],
    ...[
      "cost_usd",
      "input_tokens",
      "duration_ms",
      "success",
      "exception.message",
      "http.url",
      "db.system",
    ],
  ),
  text,
);
const pairs = fc.array(fc.tuple(name, value), { maxLength: 6 });
// Mostly of today: what is refused for its time tells nothing about the rest.
const hour = 3_600_000;
const time = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .integer({ min: -5 * 24 * hour, max: hour / 2 })
      .map((ms) => nanoseconds(Date.now() + ms)),
  },
  { weight: 1, arbitrary: fc.constantFrom("0", "1", "18446744073709551615") },
);
const times = fc.record({ startTimeUnixNano: time, timeUnixNano: time });
const id = (bytes: number) =>
  fc.oneof(
    fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => Buffer.from(array)),
    fc.constantFrom(Buffer.alloc(0), Buffer.alloc(bytes)),
  );
const ids = { traceId: id(16), spanId: id(8) };
const int32 = fc.oneof(fc.nat(30), fc.constantFrom(-1, 2 ** 31 - 1, -(2 ** 31)));
const flags = fc.nat(3);
const optional = (model: object) => fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Message>;
const some = <T>(each: fc.Arbitrary<T>) => fc.array(each, { maxLength: 4 });
const exemplars = some(
  optional({
    timeUnixNano: time,
    asDouble: double,
    filteredAttributes: pairs.map(attributes),
    ...ids,
  }),
);

const sessionOf = (session: string, more: [string, Value][]) =>
  attributes([["session.id", session], ...more]);
/** A record with a session of its own. */
export type Make = (session: string) => Message;
const logs = fc
  .tuple(
    pairs,
    value,
    optional({ severityNumber: int32, severityText: text, flags, eventName: text, ...ids }),
    times,
  )
  .map(
    ([more, body, fields, { startTimeUnixNano, timeUnixNano }]): Make =>
      (session) => ({
        ...fields,
        ...{ timeUnixNano, observedTimeUnixNano: startTimeUnixNano },
        body: anyValue(body),
        attributes: sessionOf(session, more),
      }),
  );
const traces = fc
  .tuple(
    pairs,
    optional({
      ...{ traceState: text, parentSpanId: id(8), name: text, kind: int32, flags, ...ids },
      status: optional({ message: text, code: int32 }),
      events: some(optional({ timeUnixNano: time, name: text, attributes: pairs.map(attributes) })),
      links: some(optional({ traceState: text, attributes: pairs.map(attributes), ...ids })),
    }),
    time,
    fc.integer({ min: -1, max: 1000 }),
  )
  .map(
    ([more, fields, start, took]): Make =>
      (session) => ({
        ...fields,
        startTimeUnixNano: start,
        endTimeUnixNano: (BigInt(start) + BigInt(took)).toString(),
        attributes: sessionOf(session, more),
      }),
  );
const number = optional({ asDouble: double, flags, exemplars });
const whole = optional({ asInt: integer.map(String), flags, exemplars });
const quantiles = some(fc.record({ quantile: double, value: double }));
const buckets = optional({ offset: int32, bucketCounts: some(count) });
// Mostly numbers: they alone become one row each.
const weights: Record<string, number> = { gauge: 4, sum: 4 };
const kinds: Record<string, [fields: fc.Arbitrary<Message>, ofMetric: object]> = {
  gauge: [fc.oneof(number, whole), {}],
  sum: [fc.oneof(number, whole), { aggregationTemporality: int32, isMonotonic: fc.boolean() }],
  histogram: [
    optional({
      count,
      sum: double,
      min: double,
      max: double,
      flags,
      bucketCounts: some(count),
      explicitBounds: some(double),
    }),
    { aggregationTemporality: int32 },
  ],
  exponentialHistogram: [
    optional({
      count,
      sum: double,
      scale: int32,
      zeroCount: count,
      positive: buckets,
      negative: buckets,
      zeroThreshold: double,
    }),
    { aggregationTemporality: int32 },
  ],
  summary: [optional({ count, sum: double, quantileValues: quantiles, flags }), {}],
};
const metrics = fc.oneof(
  ...Object.entries(kinds).map(([kind, [fields, ofMetric]]) => ({
    weight: weights[kind] ?? 1,
    arbitrary: fc
      .tuple(
        optional({ description: text, unit: text, metadata: pairs.map(attributes) }),
        fc.oneof(
          fc.constantFrom("claude_code.cost.usage", "claude_code.x", ...conventionMetrics),
          text,
        ),
        optional(ofMetric),
        fields,
        times,
        pairs,
      )
      .map(
        ([fieldsOfMetric, metric, around, point, when, more]): Make =>
          (session) => ({
            ...fieldsOfMetric,
            name: metric,
            [kind]: {
              ...around,
              dataPoints: [{ ...point, ...when, attributes: sessionOf(session, more) }],
            },
          }),
      ),
  })),
);
const scopes = fc.oneof(
  fc.constantFrom(...Object.values(claudeScope), "gen_ai", "@opentelemetry/instrumentation-http"),
  text,
);
/** What is around a record. */
export const around = fc.record({
  resource: pairs.map((list) => ({ attributes: attributes(list) })),
  schemaUrl: text,
  scope: fc.record({ name: scopes, version: text, attributes: pairs.map(attributes) }),
});
export const anything: Record<Signal, fc.Arbitrary<Make>> = { metrics, logs, traces };
