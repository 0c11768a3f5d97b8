import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode, type Message, type Signal, signals } from "../../simulator/otlp";
import { sessions as sessionsIn, stored } from "./clickhouse/sessions";
import { Store } from "./clickhouse/store";
import { type Gate, OtlpClient, startGate } from "./gate";
import { readLines } from "./pipelines";
import { attribute, records } from "./poison";
import { peakMib } from "./process";
import { anyValue, asList, attributes, nestedLists, type One, one, type Value } from "./requests";
import { anything, around } from "./storeFuzz/anything";

/** Requests of each signal; in each an innocent record beside so many others. */
const [requests, together] = [60, 6];
const seed = Number(process.env.MONITORING_SEED ?? Date.now() % 2 ** 31);
const key = { "signoz-ingestion-key": "a-shared-key" };
let store: Store;
beforeAll(async () => {
  store = await Store.start();
});
afterAll(() => store?.stop());

const sessions = (signal: Signal, begin: string) => sessionsIn(store, signal, begin);
const patient = { timeout: 90_000, interval: 500 };
const session = (name: string, more: [string, Value][] = []): One => ({
  record: { attributes: attributes([["session.id", name], ...more]) },
});
/** Whether it becomes one row, or is kept aside; SigNoz makes several of the others, and what has exemplars is not kept. */
const isOneRow = (record: Message) => {
  const point = (record.sum ?? record.gauge)?.dataPoints[0];
  const withoutData = 1;
  return point
    ? !point.exemplars?.length && !(point.flags & withoutData)
    : !record.histogram && !record.exponentialHistogram && !record.summary;
};

describe.each([false, true])("whatever a client sends, content kept: %s", (keepContent) => {
  let gate: Gate;
  let client: OtlpClient;
  beforeAll(async () => {
    gate = await startGate({
      keys: key["signoz-ingestion-key"],
      storePort: store.port,
      rendered: { keepContent },
    });
    client = new OtlpClient(gate);
  });
  afterAll(async () => {
    client?.close();
    await gate?.stop();
  });
  const send = async (signal: Signal, request: Buffer) =>
    expect(await client.send(signal, request, key)).toBe(0);

  it.each(signals)(
    "%s: ClickHouse takes all that the gate takes, and no neighbour is lost",
    { tags: "attack/poison" },
    async (signal) => {
      const begin = `${keepContent}-${signal}`;
      const innocents: Record<string, number> = {};
      const sent: string[] = [];
      const many = { minLength: together, maxLength: together };
      const samples = fc.sample(fc.tuple(around, fc.array(anything[signal], many)), {
        seed,
        numRuns: requests,
      });
      for (const [index, [{ resource, schemaUrl, scope }, makes]] of samples.entries()) {
        const made = makes.map((make, i) => make(`${begin}-${index}-${i}`));
        const innocent = `${begin}-innocent-${index}`;
        await send(
          signal,
          encode(signal, [
            { resource, schemaUrl, scopes: [{ scope, records: made }] },
            one(signal, session(innocent)),
          ]),
        );
        innocents[innocent] = 1;
        sent.push(...made.flatMap((each, i) => (isOneRow(each) ? `${begin}-${index}-${i}` : [])));
      }
      await expect.poll(() => sessions(signal, `${begin}-innocent`), patient).toEqual(innocents);
      const refused = () => {
        const aside = readLines(join(gate.dir, `refused-${signal}.jsonl`));
        return new Set(records(aside).map((record) => attribute(record, "session.id")));
      };
      // ClickHouse shows an insert of several days day by day.
      const lost = async () => {
        const [rows, aside] = [await sessions(signal, begin), refused()];
        return sent.filter((name) => !rows[name] && !aside.has(name));
      };
      await expect.poll(lost, { ...patient, message: `seed ${seed}` }).toEqual([]);
      expect(gate.log()).not.toContain("Exporting failed");
      console.log(
        `${signal}, content kept: ${keepContent}, seed ${seed}: ${sent.length} records, ${refused().size} refused, lost 0`,
      );
    },
  );

  const rows: [what: string, attributes: [string, Value][]][] = [
    ["a number beyond 64 bits", [["input_tokens", 2e19]]],
    ["a negative number beyond 64 bits", [["input_tokens", -1e19]]],
    ["the largest number", [["input_tokens", Number.MAX_VALUE]]],
    ["not a number", [["input_tokens", Number.NaN]]],
    [
      "a name beside its own parts",
      [
        ["model.name", "a"],
        ["model", { name: "b" }],
      ],
    ],
    [
      "a name twice",
      [
        ["model", "a"],
        ["model", "b"],
      ],
    ],
    ["what is not UTF-8", [["model", "\uD800"]]],
    ["a name that is not UTF-8", [["model\uD800", "a"]]],
  ];
  it.each(rows)(
    "a span with %s is stored, and its neighbour too",
    { tags: "attack/poison" },
    async (what, more) => {
      const begin = `${keepContent}-${what}`;
      const names = [`${begin}, itself`, `${begin}, its neighbour`];
      const groups = names.map((name, i) => one("traces", session(name, i ? [] : more)));
      await send("traces", encode("traces", groups));
      await expect
        .poll(() => sessions("traces", begin), patient)
        .toEqual(Object.fromEntries(names.map((name) => [name, 1])));
    },
  );

  const another = 'a":"","engineer":"dana@palindrom.example","engineer.verified":"true","z';
  const names: [string, Value][] = [another, '"', "a\\", "a\u0001"].map((name) => [name, "1"]);
  const labels: [what: string, parts: One][] = [
    ...names.flatMap((entry): [string, One][] => [
      [
        `an attribute named ${JSON.stringify(entry[0])}`,
        { record: { attributes: attributes([entry]) } },
      ],
      [`a resource's attribute named ${JSON.stringify(entry[0])}`, { resource: [entry] }],
      [
        `a scope's attribute named ${JSON.stringify(entry[0])}`,
        { scopeFields: { attributes: attributes([entry]) } },
      ],
    ]),
    ...["\u0000", "\u0001", "\u001f"].flatMap((letter): [string, One][] => [
      [
        `${JSON.stringify(letter)} in a value`,
        { record: { attributes: attributes([["model", `a${letter}`]]) } },
      ],
      [`${JSON.stringify(letter)} in a resource's value`, { resource: [["team", `a${letter}`]] }],
    ]),
    [
      "a control character in a scope's name",
      { scope: "a\u0001", metric: { name: "http.server.request.duration" } },
    ],
    ["a control character in a scope's version", { scopeFields: { version: "a\u0001" } }],
  ];
  it.each(labels)(
    "a metric with %s is still its sender's",
    { tags: "attack/identity" },
    async (what, { record, resource = [], ...parts }) => {
      const name = `${keepContent}-label-${labels.findIndex(([other]) => other === what)}`;
      const group = one("metrics", {
        ...parts,
        resource: [...resource, ["engineer", "erin"]],
        record: {
          attributes: [...attributes([["session.id", name]]), ...(record?.attributes ?? [])],
        },
      });
      await send("metrics", encode("metrics", [group]));
      const sender = () =>
        store.rows(
          `SELECT JSONExtractString(labels, 'engineer'), JSONExtractString(labels, 'engineer.verified') FROM ${stored.metrics} WHERE session = '${name}'`,
        );
      await expect.poll(sender, patient).toEqual([["erin", "false"]]);
    },
  );

  // Memory by the square of it would be gigabytes.
  const lists = nestedLists(40_000);
  const deep = attributes([["model", lists]]);
  const places: [where: string, signals: readonly Signal[], parts: One][] = [
    ["a record", signals, { record: { attributes: deep } }],
    ["a resource", signals, { resource: [["model", lists]] }],
    ["a scope", signals, { scopeFields: { attributes: deep } }],
    ["a body", ["logs"], { record: { body: anyValue(lists) } }],
    ["an event", ["traces"], { record: { events: [{ name: "exception", attributes: deep }] } }],
    ["a link", ["traces"], { record: { links: [{ attributes: deep }] } }],
  ];
  it.each(
    places.flatMap(([where, of, parts]) =>
      of.map((signal): [Signal, string, One] => [signal, where, parts]),
    ),
  )(
    "%s: forty thousand lists within each other in %s take nobody down",
    { tags: "attack/poison" },
    async (signal, where, { record, ...parts }) => {
      const names = [`${keepContent}-${where}-deep`, `${keepContent}-${where}-innocent`];
      const [name, innocent] = names.map((each) => attributes([["session.id", each]])) as [
        Message[],
        Message[],
      ];
      const all = [...name, ...(record?.attributes ?? [])];
      const request = encode(signal, [
        one(signal, { record: { ...record, attributes: all }, ...parts }),
        one(signal, { record: { attributes: innocent } }),
      ]);
      await send(signal, asList(request, lists));
      await expect
        .poll(() => sessions(signal, `${keepContent}-${where}-`), patient)
        .toEqual(Object.fromEntries(names.map((each) => [each, 1])));
      expect(peakMib(gate.collectorPid)).toBeLessThan(500);
    },
  );
});
