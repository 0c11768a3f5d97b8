import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode, type Signal, signals } from "../../simulator/otlp";
import type { Exported } from "./gate";
import { levels, sample, valuesOf } from "./otlp";
import { type Pipelines, startPipelines } from "./pipelines";
import { attributes, type One, one, type Value } from "./requests";

const dana = "dana.o-neill@palindrom.example";
let collector: Pipelines;
beforeAll(async () => {
  collector = await startPipelines();
});
afterAll(() => collector.stop());

const pass = async (signal: Signal, request: Buffer, owner?: string): Promise<Exported[]> =>
  (await collector.pass(signal, request, owner)).stored;

describe("recorded requests of Claude Code", () => {
  // Counted in the recordings.
  const counts = { metrics: 18, logs: 37, traces: 31 };

  it.each(signals)("%s: everything arrives once, under the owner of the key", async (signal) => {
    const { resource, record } = levels(await pass(signal, sample(signal), dana));
    expect(record).toHaveLength(counts[signal]);
    expect(valuesOf(resource, "engineer")).toEqual([dana]);
    expect(valuesOf(resource, "engineer.verified")).toEqual(["true"]);
    // SigNoz writes a datapoint's labels out of its own attributes and the resource's.
    expect(valuesOf(record, "engineer")).toEqual(signal === "metrics" ? [] : [dana]);
    expect(valuesOf(record, "engineer.verified")).toEqual(signal === "metrics" ? [] : ["true"]);
  });

  it.each(signals)("%s: under a shared key the claim stays and says so", async (signal) => {
    const { resource, record } = levels(await pass(signal, sample(signal), "-"));
    expect(record).toHaveLength(counts[signal]);
    expect(valuesOf(resource, "engineer")).toEqual(["fake.engineer"]);
    expect(valuesOf(resource, "engineer.verified")).toEqual(["false"]);
    if (signal !== "metrics") {
      expect(record.map((one) => valuesOf([one], "engineer"))).toEqual(
        record.map(() => ["fake.engineer"]),
      );
      expect(record.map((one) => valuesOf([one], "engineer.verified"))).toEqual(
        record.map(() => ["false"]),
      );
      expect(record.map((one) => valuesOf([one], "team"))).toEqual(record.map(() => ["platform"]));
    }
  });
});

it.each(["[EMEA] Sales", "{core}", "[true north]", 'r&d "x" [1]'])(
  "a team may be called %s",
  async (team) => {
    for (const signal of signals) {
      const entries: [string, Value][] = [["team", team]];
      const parts = { resource: entries, record: { attributes: attributes(entries) } };
      const { resource, record } = levels(await pass(signal, encode(signal, [one(signal, parts)])));
      expect([valuesOf(resource, "team"), valuesOf(record, "team")]).toEqual([[team], [team]]);
    }
  },
);

type Entries = [string, Value][];
const claim = (value: Value): Entries => [["engineer", value]];
const everywhere = (entries: Entries): One => ({
  resource: [["service.name", "claude-code"], ...entries],
  scopeFields: { attributes: attributes(entries) },
  record: {
    attributes: attributes([["event.name", "api_request"], ...entries]),
    events: [{ name: "gen_ai.request.attempt", attributes: attributes(entries) }],
  },
});

/** Ways to speak in the name of somebody who has a key of their own. */
const forgeries: [string, One][] = [
  ["the name itself", everywhere(claim(dana))],
  [
    "the name twice, in either order",
    everywhere([...claim("chris"), ...claim(dana), ...claim("chris")]),
  ],
  ["the name three times", everywhere([...claim(dana), ...claim(dana), ...claim(dana)])],
  ["only on the record", { ...everywhere(claim(dana)), resource: [["service.name", "x"]] }],
  ["only on the resource", { resource: claim(dana) }],
  ["verified by itself", everywhere([...claim(dana), ["engineer.verified", "true"]])],
  ["verified as a truth value", everywhere([...claim(dana), ["engineer.verified", true]])],
  [
    "verified twice",
    everywhere([
      ["engineer.verified", "true"],
      ["engineer.verified", "true"],
    ]),
  ],
  [
    "the front's own words",
    everywhere([
      ...claim("x"),
      ["monitoring.owner", dana],
      ["monitoring.owner", dana],
      ["monitoring.owner", dana],
    ]),
  ],
  [
    "yesterday's internal names",
    everywhere([
      ["engineer_owner", dana],
      ["engineer.owner", dana],
      ["engineer.key", dana],
    ]),
  ],
  ["a wide @", everywhere(claim(dana.replace("@", "\uFF20")))],
  ["a small @", everywhere(claim(dana.replace("@", "\uFE6B")))],
  ["with invisible characters", everywhere(claim(`\u200b${dana}\u0000\u202e`))],
  ["as a list", everywhere(claim([dana]))],
  ["as a map", everywhere(claim({ engineer: dana }))],
  ["as bytes", everywhere(claim(Buffer.from(dana)))],
  [
    "in a resource of its own beside an honest one",
    { groupFields: {}, resource: [...claim("x"), ["resource.engineer", dana]] },
  ],
  ["through the mark of the odd", everywhere([["monitoring.odd", true], ...claim(dana)])],
  ["by a name with the right length", everywhere(claim(`${dana}${" ".repeat(200)}`))],
];

forgeries.push([
  "in a scope that nobody knows",
  {
    ...everywhere(claim(dana)),
    scope: "shop",
    metric: { name: "http.server.request.duration" },
  },
]);

it("a label with a control character is masked, and one in any language is not", {
  tags: "attack/identity",
}, async () => {
  const passing = ["Z\u00fcrich, \u6771\u4eac \u{1f600}", "~", "", "a\u007f\u0085"];
  const labels = [..."\u0000\u0001\t\n\u001f"].flatMap((letter) => [letter, `a${letter}b`]);
  for (const label of [...passing, ...labels]) {
    const parts: One = {
      resource: [["team", label]],
      record: { attributes: attributes([["model", label]]) },
    };
    const { resource, record } = levels(
      await pass("metrics", encode("metrics", [one("metrics", parts)])),
    );
    const expected = passing.includes(label) ? label : "****";
    expect([valuesOf(resource, "team"), valuesOf(record, "model")]).toEqual([
      [expected],
      [expected],
    ]);
  }
});

it.each(signals)("%s: no mark of the gate's own is stored", async (signal) => {
  for (const parts of [{}, { scope: "shop" }, { resource: [["monitoring.oldest", 0n]] } as One]) {
    const { resource } = levels(await pass(signal, encode(signal, [one(signal, parts)])));
    expect(resource.flat().filter(([key]) => key.startsWith("monitoring."))).toEqual([]);
  }
});

const identities = (exported: Exported[]) => {
  const { resource, scope, record, event } = levels(exported);
  const all = [...resource, ...scope, ...record, ...event];
  return {
    engineer: valuesOf(all, "engineer"),
    verified: valuesOf(all, "engineer.verified"),
    twice: all.some((list) => list.filter(([key]) => key === "engineer").length > 1),
  };
};

describe.each(signals)("%s: a forged identity", (signal) => {
  it.each(forgeries)("under a shared key: %s", { tags: "attack/identity" }, async (_, parts) => {
    const stored = await pass(signal, encode(signal, [one(signal, parts)]), "-");
    const { engineer, verified, twice } = identities(stored);
    expect(stored).not.toEqual([]);
    for (const name of engineer) expect(name).not.toMatch(/[@\uFF20\uFE6B\p{C}]/u);
    expect([verified, twice]).toEqual([["false"], false]);
  });

  it.each(forgeries)("under another's key: %s", { tags: "attack/identity" }, async (_, parts) => {
    const stored = await pass(
      signal,
      encode(signal, [one(signal, parts)]),
      "erin@palindrom.example",
    );
    const { engineer, verified, twice } = identities(stored);
    expect([engineer, verified, twice]).toEqual([["erin@palindrom.example"], ["true"], false]);
  });

  it("a request that names nobody is nobody's, and not verified", async () => {
    const stored = await pass(signal, encode(signal, [one(signal)]), "-");
    expect(identities(stored)).toEqual({ engineer: [], verified: ["false"], twice: false });
  });

  it("is on every record of every scope", async () => {
    for (const scope of ["shop", "@opentelemetry/instrumentation-http"]) {
      const parts = {
        scope,
        ...everywhere(claim("x")),
        metric: { name: "http.server.request.duration" },
      };
      const stored = await pass(signal, encode(signal, [one(signal, parts)]), dana);
      const { resource, record } = levels(stored);
      for (const list of signal === "metrics" ? resource : [...resource, ...record])
        expect(list).toEqual(
          expect.arrayContaining([
            ["engineer", dana],
            ["engineer.verified", "true"],
          ]),
        );
    }
  });

  it("holds where content is kept, too", async () => {
    const keeping = await startPipelines({ keepContent: true });
    try {
      for (const [, parts] of forgeries) {
        const { stored } = await keeping.pass(signal, encode(signal, [one(signal, parts)]), "-");
        const { engineer, verified, twice } = identities(stored);
        for (const name of engineer) expect(name).not.toMatch(/[@\uFF20\uFE6B\p{C}]/u);
        expect([verified, twice]).toEqual([["false"], false]);
      }
    } finally {
      await keeping.stop();
    }
  }, 60_000);
});
