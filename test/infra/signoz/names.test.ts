import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderContent } from "../../../infra/signoz/content.js";
import { events, gate, metrics, type Source, spans, stamped } from "../../../infra/signoz/names.js";
import { decode, type Signal } from "../../../simulator/otlp.js";
import { fullInput } from "../../../simulator/signoz/input.js";
import { type BuilderSpec, builderQueries } from "./queries.js";

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}
const samples = join(__dirname, "../../samples/claude-code/grpc-default");
/** A recorded request, decoded. */
const read = (signal: Signal, file: string) => decode(signal, readFileSync(join(samples, file)));

// biome-ignore lint/suspicious/noExplicitAny: the OTLP tree, which is read by path
const recordsOf = (scopes: { records: any[] }[]) => scopes.flatMap(({ records }) => records);

/** Attributes that Claude Code really sent, by the name of the metric, event or span: name to OTLP type. */
const sent: Record<string, Record<string, string>> = {};
const see = (name: string, ...attributes: Attribute[][]) => {
  sent[name] ??= {};
  for (const { key, value } of attributes.flat()) sent[name][key] = Object.keys(value)[0] ?? "";
};
/** The same, log records only. */
const sentInLogs: Record<string, Record<string, string>> = {};
const temporality: Record<string, number> = {};
/** AGGREGATION_TEMPORALITY_DELTA of opentelemetry-proto 1.5. */
const delta = 1;
for (const { resource, scopes } of read("metrics", "01-metrics.bin"))
  for (const { name, sum } of recordsOf(scopes)) {
    temporality[name] = sum.aggregationTemporality;
    for (const { attributes } of sum.dataPoints) see(name, resource.attributes, attributes);
  }
for (const { resource, scopes } of read("logs", "02-logs.bin"))
  for (const { body, attributes } of recordsOf(scopes)) {
    see(body.stringValue, resource.attributes, attributes);
    sentInLogs[body.stringValue] = sent[body.stringValue] ?? {};
  }
for (const { resource, scopes } of read("traces", "03-traces.bin"))
  for (const { name, attributes } of recordsOf(scopes)) see(name, resource.attributes, attributes);

describe("names", () => {
  const sources: Source[] = [metrics, events, spans].flatMap((kind) => Object.values(kind));

  it.each(sources.map((source) => [source.name, source] as const))(
    "%s was sent, with every attribute we know it by",
    (name, { attributes }) => {
      expect(Object.keys(sent)).toContain(name);
      const known = [...Object.keys(sent[name] ?? {}), ...stamped];
      expect(attributes.filter((attribute) => !known.includes(attribute))).toEqual([]);
    },
  );

  it("are of delta temporality where they are metrics", () => {
    for (const { name } of Object.values(metrics))
      expect([name, temporality[name]]).toEqual([name, delta]);
  });
});

/** `name operator operand`, joined by AND. */
const conditions = ({ filter }: BuilderSpec) =>
  (filter?.expression ?? "")
    .split(" AND ")
    .filter(Boolean)
    .map((condition) => {
      const [, field = "", operand = ""] = /^(\S+) (?:=|!=|>=|>|IN) (.+)$/.exec(condition) ?? [];
      return { field, operand };
    });
const sourceOf = (spec: BuilderSpec): string =>
  spec.aggregations?.[0]?.metricName ??
  conditions(spec)
    .find(({ field }) => field === "body" || field === "name")
    ?.operand.slice(1, -1) ??
  "";

describe("every query of dashboards, alerts and views", () => {
  const all = builderQueries(renderContent(fullInput));
  const gateSources = new Map(
    Object.values(gate)
      .flatMap((entry) => ("name" in entry ? [entry as Source] : Object.values<Source>(entry)))
      .map((source) => [source.name, source] as const),
  );

  it("is found: dashboards, alerts and views", () => {
    expect(all.length).toBeGreaterThan(130);
    expect(all.map(([where]) => where)).toEqual(
      expect.arrayContaining([
        "Spend by team (list prices)",
        "Gate: telemetry is lost",
        "Claude Code: API errors",
      ]),
    );
  });

  it.each(all)("%s asks only for what is sent", (_, spec) => {
    const source = sourceOf(spec);
    const known = {
      ...(sent[source] ??
        Object.fromEntries(
          (gateSources.get(source)?.attributes ?? []).map((name) => [name, "stringValue"]),
        )),
      ...Object.fromEntries(stamped.map((name) => [name, "stringValue"])),
    };
    if (!sent[source]) expect([...gateSources.keys()]).toContain(source);

    for (const { name } of [...(spec.groupBy ?? []), ...spec.columns])
      expect(Object.keys(known), name).toContain(name);

    for (const { field, operand } of conditions(spec)) {
      if (["body", "name"].includes(field)) continue;
      const name = field.replace(/^(resource|attribute)\./, "");
      expect(Object.keys(known), field).toContain(name);
      if (operand.startsWith("$")) continue;
      if (spec.signal === "logs")
        // `duration_ms` is a number in one event and a string in another: SigNoz would look at both.
        expect(
          [...new Set(Object.values(sentInLogs).map((event) => event[name]))].filter(Boolean),
          name,
        ).toHaveLength(1);
      // A string is compared with a string, a number with a number: SigNoz keeps them apart.
      const isText = known[name] === "stringValue";
      expect(operand.replace(/^\(|\)$/g, "").startsWith("'"), `${field} ${operand}`).toBe(isText);
    }

    const expression = spec.aggregations?.[0]?.expression;
    const argument = /\((?:attribute\.)?([^)]*)\)/.exec(expression ?? "")?.[1];
    if (argument && argument !== "duration_nano") expect(Object.keys(known)).toContain(argument);
  });

  it.each(all.filter(([, { signal }]) => signal === "metrics"))(
    "%s adds up what a counter grew by, or takes the newest value of a gauge",
    (_, spec) => {
      const isGauge =
        /utilization|usage$|queue_size|memory_rss/.test(sourceOf(spec)) &&
        !sourceOf(spec).startsWith("claude_code");
      expect(spec.aggregations?.[0]?.timeAggregation).toBe(isGauge ? "latest" : "increase");
    },
  );
});
