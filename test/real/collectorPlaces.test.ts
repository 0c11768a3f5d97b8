import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claudeCode, conventions, namesOf } from "../../infra/gate/allowed";
import { encode, type Message, type Signal, signals } from "../../simulator/otlp";
import { textsOf } from "../../simulator/texts";
import { anywhere, genAi, kindOf, nameOf, now, places, said } from "./collectorPlaces/places";
import type { Exported } from "./gate";
import { levels, sample } from "./otlp";
import { type Pipelines, startPipelines } from "./pipelines";
import { counted } from "./poison";
import { attributes, claudeScope, one, type Value } from "./requests";

let collector: Pipelines;
beforeAll(async () => {
  collector = await startPipelines();
});
afterAll(() => collector.stop());

/** What of it has come through, as it was said or as bytes are written. */
const heard = (value: unknown) =>
  textsOf(value).filter((text) => /What-Was-Said|V2hhdC1XYXMtU2FpZC/i.test(text));

describe.each(["a scope of Claude Code's", "a scope that nobody knows"])("%s", (which) => {
  const scopeOf = (signal: Signal) =>
    which.includes("nobody") ? said.replaceAll(" ", "-") : claudeScope[signal];

  it.each(places)(
    "%s (%s) lets nothing through that was said",
    { tags: "attack/content" },
    async (_, signal, parts) => {
      const passed = await collector.pass(
        signal,
        encode(signal, [one(signal, { scope: scopeOf(signal), ...parts })]),
      );
      expect(heard(passed)).toEqual([]);
      expect(passed.stored.length + passed.refused.length).toBeGreaterThan(0);
    },
  );

  it.each(signals)(
    "%s: content of other clients' instrumentations stays out, by name counted",
    { tags: "attack/content" },
    async (signal) => {
      // What is held back is told in as many bytes as a value may have: a few names a record.
      for (let from = 0; from < genAi.length; from += 5) {
        const names = genAi.slice(from, from + 5);
        const record = { attributes: attributes(names.map((name) => [name, said])) };
        const passed = await collector.pass(
          signal,
          encode(signal, [one(signal, { scope: scopeOf(signal), record })]),
        );
        expect(heard(passed)).toEqual([]);
        const counted = Object.keys(heldBack(passed.counts)).flatMap((list) => list.split(","));
        expect(counted).toEqual(expect.arrayContaining(names));
      }
    },
  );

  it.each(signals)(
    "%s: 300 names that do not exist yet, of every kind of value, stay out",
    { tags: "attack/content" },
    async (signal) => {
      // The seed is the counter: a failing run names its own.
      for (let seed = 0; seed < 300; seed += 30) {
        const entries = Array.from({ length: 30 }, (_, i): [string, Value] => [
          nameOf(seed + i),
          kindOf(seed + i),
        ]);
        const passed = await collector.pass(
          signal,
          encode(signal, [
            one(signal, {
              scope: scopeOf(signal),
              resource: entries,
              record: { attributes: attributes(entries) },
              scopeFields: { attributes: attributes(entries) },
            }),
          ]),
        );
        expect([seed, heard(passed)]).toEqual([seed, []]);
      }
    },
  );
});

it.each(signals)(
  "%s: a made-up list of what was held back is not believed",
  { tags: "attack/content" },
  async (signal) => {
    const record = { attributes: anywhere("redaction.redacted.keys", `prompt,${said}`) };
    const passed = await collector.pass(signal, encode(signal, [one(signal, { record })]));
    expect(heard(passed)).toEqual([]);
    expect(Object.keys(heldBack(passed.counts))).toEqual(["prompt,other"]);
  },
);

it.each(
  signals.flatMap((signal) =>
    ["masked.keys", "masked.count", "redacted.count", "ignored.count"].map(
      (name) => [signal, `redaction.${name}`] as const,
    ),
  ),
)(
  "%s: nothing is said as %s, which the gate's own steps pass",
  { tags: "attack/content" },
  async (signal, name) => {
    const told = anywhere(name, said);
    const parts = [
      { record: { attributes: told } },
      { resource: [[name, said]] as [string, Value][] },
      ...(signal === "traces"
        ? [{ record: { events: [{ name: "exception", attributes: told }] } }]
        : []),
    ];
    for (const part of parts) {
      const passed = await collector.pass(signal, encode(signal, [one(signal, part)]));
      expect(heard(passed)).toEqual([]);
    }
  },
);

describe("other scopes", () => {
  it.each(["logs", "traces", "metrics"] as const)(
    "%s: Claude Code's names say nothing there",
    { tags: "attack/content" },
    async (signal) => {
      const names = namesOf(claudeCode[signal].allowed).filter(
        (name) => !namesOf(conventions).includes(name),
      );
      const resource = names.map((name): [string, Value] => [name, said]);
      const record = { attributes: attributes(resource) };
      const events = [{ name: "exception", attributes: record.attributes }];
      const all = [
        { record },
        { resource },
        ...(signal === "traces" ? [{ record: { events } }] : []),
      ];
      for (const parts of all) {
        const passed = await collector.pass(
          signal,
          encode(signal, [one(signal, { scope: "shop", ...parts })]),
        );
        expect(heard(passed)).toEqual([]);
        expect(textsOf(passed)).toContain("redaction.redacted.keys");
      }
    },
  );

  it("the semantic conventions' names pass, and a listed metric", async () => {
    const kept: [string, Value][] = [
      ["gen_ai.request.model", "m"],
      ["gen_ai.usage.input_tokens", 5n],
      ["error.type", "timeout"],
    ];
    const record = { attributes: attributes(kept) };
    for (const signal of signals) {
      const metric = { name: "gen_ai.client.token.usage" };
      const { stored, counts } = await collector.pass(
        signal,
        encode(signal, [one(signal, { scope: "shop", record, metric })]),
      );
      expect(heldBack(counts)).toEqual({});
      const [found = []] = levels(stored).record;
      expect(found).toEqual(
        expect.arrayContaining(kept.map(([name, value]) => [name, String(value)])),
      );
    }
  });

  it("a stack's own names pass, and nothing beside them", async () => {
    const own = await startPipelines({
      ownNames: ["shop", "orders", "country", "shop.branch", "place order", "order placed"],
    });
    try {
      const record = {
        name: "place order",
        body: { stringValue: "order placed" },
        attributes: attributes([
          ["country", "NL"],
          ["shop.branch", "Delft"],
          ["card", said],
        ]),
      };
      const told = { metrics: "orders", logs: "order placed", traces: "place order" };
      for (const signal of signals) {
        const { stored, counts } = await own.pass(
          signal,
          encode(signal, [one(signal, { scope: "shop", record, metric: { name: "orders" } })]),
        );
        expect(heldBack(counts)).toEqual({ card: 1 });
        expect(textsOf(stored)).toEqual(
          expect.arrayContaining([told[signal], "NL", "Delft", "shop"]),
        );
        expect(heard(stored)).toEqual([]);
      }
    } finally {
      await own.stop();
    }
  });
});

describe("exemplars, which SigNoz's exporter does not store", () => {
  it("are not kept with a refused datapoint, which is counted all the same", async () => {
    const record = {
      asDouble: -1,
      exemplars: [{ timeUnixNano: now(), asDouble: 1, filteredAttributes: anywhere() }],
    };
    const passed = await collector.pass("metrics", encode("metrics", [one("metrics", { record })]));
    expect([passed.stored, passed.refused]).toEqual([[], []]);
    expect(counted(passed.counts)).toEqual({ negative: 1 });
  });
});

describe("keepContent", () => {
  it("lets all of it through", async () => {
    const keeping = await startPipelines({ keepContent: true });
    try {
      for (const [place, signal, parts] of places) {
        const { stored } = await keeping.pass(signal, encode(signal, [one(signal, parts)]));
        expect([place, heard(stored)]).not.toEqual([place, []]);
      }
    } finally {
      await keeping.stop();
    }
  }, 60_000);
});

describe("the recorded requests", () => {
  it("lose nothing but what is listed here, and are counted by it", async () => {
    const report: Record<string, unknown> = {};
    for (const signal of signals) {
      const passed = await collector.pass(signal, sample(signal));
      const { record, resource } = levels(passed.stored);
      const names = (lists: [string, string][][]) =>
        [...new Set(lists.flat().map(([key]) => key))].sort();
      report[signal] = {
        records: record.length,
        refused: passed.refused.length,
        passes: [...names(resource), ...names(record)].length,
        held: heldBack(passed.counts),
      };
      expect(JSON.stringify(passed)).not.toContain("REDACTED");
    }
    console.log(`held back of the recordings: ${JSON.stringify(report)}`);
    expect(report).toEqual({
      metrics: { records: 18, refused: 0, passes: expect.any(Number), held: {} },
      logs: {
        records: 37,
        refused: 0,
        passes: expect.any(Number),
        held: { hook_name: 2, "prompt,prompt_text": 3, response: 4 },
      },
      traces: {
        records: 31,
        refused: 0,
        passes: expect.any(Number),
        held: { bash_argv0: 3, user_prompt: 3 },
      },
    });
  });
});

function heldBack(counts: Exported[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const metric of counts
    .flatMap(({ resourceMetrics }) => resourceMetrics ?? [])
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }: Message) => metrics))
    for (const { attributes, asInt } of metric.sum.dataPoints)
      for (const { key, value } of attributes)
        if (key === "redaction.redacted.keys")
          found[value.stringValue] = (found[value.stringValue] ?? 0) + Number(asInt);
  return found;
}
