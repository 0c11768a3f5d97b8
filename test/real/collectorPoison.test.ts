import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode, type Signal, signals } from "../../simulator/otlp";
import { textsOf } from "../../simulator/texts";
import { type Pipelines, startPipelines } from "./pipelines";
import { ages, at, attribute, counted, day, poison, records, timed } from "./poison";
import { asList, attributes, nestedLists, type One, one, type Value } from "./requests";

let collector: Pipelines;
beforeAll(async () => {
  collector = await startPipelines();
});
afterAll(() => collector.stop());

describe("a poisoned record", () => {
  it.each(poison)(
    "%s (%s) is refused, counted and kept aside, and its neighbours pass",
    { tags: "attack/poison" },
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
      expect(textsOf(stored)).not.toContain("refused.reason");
    },
  );

  it("counts the number of cases above", () => {
    console.log(`poison: ${poison.length} cases`);
    expect(poison.length).toBeGreaterThan(30);
  });

  it.each(signals)("%s: the edges of the window pass", async (signal) => {
    for (const time of [-(ages[signal] - 0.01) * day, 0, 0.9 * 3_600_000]) {
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
    ["a list of maps", [{}]],
    ["a list of numbers", [1n, 2n]],
    ["a list of a negative number", [-0.5]],
    ["a list of yes and no", [true, false]],
    ["a list of no", [false]],
    ["an empty map", {}],
    ["not a number", Number.NaN],
    ["infinite", Number.POSITIVE_INFINITY],
    ["a long text", "x".repeat(100_000)],
    ["long bytes", Buffer.from("x".repeat(100_000), "base64")],
  ];
  it.each(
    signals.flatMap((signal) =>
      cut.map(([what, value]): [Signal, string, Value] => [signal, what, value]),
    ),
  )("%s: %s becomes short and flat", { tags: "attack/poison" }, async (signal, _, value) => {
    const parts: One = {
      record: { attributes: attributes([["model", value]]) },
      resource: [["service.name", value]],
    };
    const { stored } = await collector.pass(signal, encode(signal, [one(signal, parts)]));
    expect(records(stored)).toHaveLength(1);
    expect(
      textsOf(stored).filter((text) => /deep|NaN$|Infinity|kvlist|arrayValue|x{300}/.test(text)),
    ).toEqual([]);
  });

  it("twenty thousand levels do not take the collector down", {
    tags: "attack/poison",
  }, async () => {
    const lists = nestedLists(20_000);
    const parts: One = { record: { attributes: attributes([["model", lists]]) } };
    const status = await collector.send(
      "logs",
      asList(encode("logs", [one("logs", parts)]), lists),
    );
    expect(typeof status).toBe("number");
    expect(collector.exited()).toBe(false);
    const { stored } = await collector.pass("logs", encode("logs", [one("logs")]));
    expect(records(stored).length).toBeGreaterThan(0);
  });
});
