import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderContent } from "../../infra/signoz/content";
import { activePerDay, adoption, adoptionDays, spentSince } from "../../infra/signoz/sql";
import { panelsOf, type Variables } from "../../scripts/verifyContent/ask";
import { rowDifferences } from "../../scripts/verifyContent/compare";
import { cents, spent, sqlTruth } from "../../scripts/verifyContent/sqlTruth";
import { day, knownMonth, type Month, type Point } from "../../simulator/month/month";
import { type Batch, batches } from "../../simulator/month/send";
import { fullInput } from "../../simulator/signoz/input";
import { Store } from "./clickhouse/store";
import { type Gate, OtlpClient, startGate } from "./gate";

const now = Date.now();
const hour = 3_600_000;
/** The last hour before a time of which something is true. */
function lastHour(before: number, is: (at: number) => boolean): number {
  for (let at = Math.floor(before / hour) * hour; at > before - 200 * day; at -= hour)
    if (is(at)) return at;
  return Number.NaN;
}
const local = (timeZone: string, options: Intl.DateTimeFormatOptions) => (at: number) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone, ...options }).format(at);
/** Zones of both hemispheres: in one of them the clock was changed within the last 140 days. */
const changes = ["America/New_York", "Europe/Berlin", "Africa/Cairo", "America/Santiago"].map(
  (timezone) => {
    const offset = local(timezone, { timeZoneName: "longOffset", year: "numeric" });
    return { timezone, at: lastHour(now, (at) => offset(at) !== offset(at - hour)) };
  },
);
const { timezone, at: changed } = changes.sort((a, b) => b.at - a.at)[0] as (typeof changes)[0];
const date = local(timezone, { dateStyle: "short" });
const monthBegan = lastHour(
  now - day,
  (at) => date(at).slice(0, 7) !== date(at - hour).slice(0, 7),
);

const shared = "shared-key";
const keyOf = (owner?: string) => (owner ? `${owner}.personal-key` : shared);
/** The known month with names that may own a key of the gate. */
function month(options: Parameters<typeof knownMonth>[0]): Month {
  const own = <R extends Month["logs"][number]>(record: R): R => {
    if (!record.owner) return record;
    const owner = record.owner.replace("@corp.example", "");
    return { ...record, owner, attributes: { ...record.attributes, engineer: owner } };
  };
  const { points, logs, spans } = knownMonth(options);
  return { points: points.map(own), logs: logs.map(own), spans: spans.map(own) };
}

let store: Store;
let gate: Gate | undefined;
let client: OtlpClient;
const queueDir = mkdtempSync(join(tmpdir(), "queue-"));
async function openGate(): Promise<void> {
  const { port, certificate } = gate ?? {};
  gate = await startGate({
    keys: [undefined, "ada", "grace"].map(keyOf).join("\n"),
    ...{ storePort: store.port, queueDir, port, certificate },
  });
  client = new OtlpClient(gate);
}
beforeAll(async () => {
  store = await Store.start();
  await openGate();
});
afterAll(async () => {
  client?.close();
  await gate?.stop();
  await store?.stop();
  rmSync(queueDir, { recursive: true, force: true });
});

interface Line {
  /** Name, time, value: what a record is without the names that its series or resource has. */
  bare: string;
  /** The session, engineer, team, model, type and version too. */
  full: string;
}
const line = (record: unknown[]): Line => ({
  bare: JSON.stringify(record.slice(0, 3)),
  full: JSON.stringify(record),
});
const sent = ({ points, logs, spans }: Month): Line[] =>
  [
    ...points.map((record) => ({ ...record, number: record.value })),
    ...logs.map((record) => ({ ...record, number: Number(record.attributes.cost_usd ?? 0) })),
    ...spans.map((record) => ({ ...record, number: record.durationNano })),
  ].map(({ name, at, number, attributes: own, version }) => {
    const texts = [own["session.id"], own.engineer, own.team, own.model, own.type, version];
    return line([name, at, number, ...texts.map((text) => text ?? "")]);
  });
const texts = (attributes: string, resource: string) =>
  `${attributes}['session.id'], ${resource}['engineer'], ${resource}['team'], ${attributes}['model'], ${attributes}['type'], ${resource}['service.version']`;
const tables = [
  `SELECT metric_name, unix_milli, value, ${texts("attrs", "resource_attrs")} FROM signoz_metrics.distributed_samples_v4 LEFT JOIN
   (SELECT fingerprint, any(attrs) AS attrs, any(resource_attrs) AS resource_attrs FROM signoz_metrics.distributed_time_series_v4 GROUP BY fingerprint)
   AS series USING fingerprint WHERE startsWith(metric_name, 'claude')`,
  `SELECT body, intDiv(timestamp, 1000000), attributes_number['cost_usd'], ${texts("attributes_string", "resources_string")} FROM signoz_logs.distributed_logs_v2`,
  `SELECT name, toUnixTimestamp64Milli(timestamp), duration_nano, ${texts("attributes_string", "resources_string")} FROM signoz_traces.distributed_signoz_index_v3`,
];
async function found(): Promise<Line[]> {
  const rows: unknown[][] = [];
  for (const table of tables) rows.push(...(await store.rows(table)));
  return rows.map(line);
}
const tally = (lines: string[]) => {
  const counts = new Map<string, number>();
  for (const one of lines) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
};
/** How many of the left there are beyond those of the right. */
function beyond(left: Map<string, number>, right: Map<string, number>): number {
  let more = 0;
  for (const [one, count] of left) more += Math.max(0, count - (right.get(one) ?? 0));
  return more;
}
let earlier: Month[] = [];
/** What the store holds of everything that was sent so far, when nothing more comes. */
async function difference(of: Month) {
  earlier = [...earlier, of];
  const expected = earlier.flatMap(sent);
  const part = (lines: Line[], which: keyof Line) => tally(lines.map((one) => one[which]));
  let last = "";
  for (const deadline = Date.now() + 120_000; ; await sleep(2000)) {
    const stored = await found();
    const next = {
      sent: sent(of).length,
      missing: beyond(part(expected, "bare"), part(stored, "bare")),
      twice: beyond(part(stored, "bare"), part(expected, "bare")),
      nameless: stored.filter(({ full }) => full.endsWith(',"","","","","",""]')).length,
    };
    const settled = next.missing === 0 && JSON.stringify(next) === last;
    if (settled || Date.now() > deadline) {
      // What this part is not to blame for.
      const row = {
        ...next,
        twice: next.twice - known.twice,
        nameless: next.nameless - known.nameless,
      };
      known = next;
      return row;
    }
    last = JSON.stringify(next);
  }
}
let known = { twice: 0, nameless: 0 };

let quiet = Promise.resolve();
/** @param during what happens meanwhile; what is not answered is sent again, as a client does */
async function feed(all: Batch[], during: () => Promise<unknown> = async () => undefined) {
  let [ended, again] = [false, 0];
  const event = during().finally(() => {
    ended = true;
  });
  const waiting = [...all];
  const sender = async () => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      const key = { "signoz-ingestion-key": keyOf(batch.owner) };
      await quiet;
      while ((await client.send(batch.signal, batch.bytes, key)) !== 0) {
        again++;
        await sleep(300);
      }
      // As long as something happens there is traffic.
      if (!ended) await sleep(200);
    }
  };
  await Promise.all(Array.from({ length: 8 }, sender));
  await event;
  return again;
}

describe("a month, and the days around a change of the clock", () => {
  const recent = month({ endMs: now, days: 35 });
  const around = month({ endMs: changed + 3 * day, days: 10, recordDays: 0, seed: 2 });
  const cost = recent.points.find(({ name }) => name === "claude_code.cost.usage") as Point;
  /** Pays on every day, today too, and since thirty times 24 hours, which is on 31 days. */
  const tireless = Array.from({ length: adoptionDays + 1 }, (_, back) => ({
    ...{ ...cost, owner: undefined, at: now - back * day + (back === 0 ? -60_000 : 2000) },
    attributes: { ...cost.attributes, "session.id": "tireless", engineer: "tireless" },
  }));
  const points = [...around.points, ...recent.points, ...tireless];
  const whole: Month = { ...recent, points };

  it("is stored as it was sent, late batches too", async () => {
    // The newest first: everything else is late.
    await feed(batches(whole).reverse());
    const lines = sent(whole);
    expect(await difference(whole)).toEqual({
      sent: lines.length,
      missing: 0,
      twice: 0,
      nameless: 0,
    });
    expect(new Set((await found()).map(({ full }) => full))).toEqual(
      new Set(lines.map(({ full }) => full)),
    );
    console.log(`${lines.length} records; ${timezone} changed its clock on ${date(changed)}`);
  });

  const input = {
    ...fullInput,
    ...{ timezone, dailyBudgetUsd: 1, monthlyBudgetUsd: 12 },
    teamBudgets: [
      { team: "research", dailyUsd: 2, monthlyUsd: 5 },
      { team: "r&d", dailyUsd: 0, monthlyUsd: 3 },
      { team: 'say "hi"', dailyUsd: 1, monthlyUsd: 1 },
    ],
  };
  const ends = {
    now: now - (now % 1000),
    "before the month's end": monthBegan - 1000,
    "after the month's end": monthBegan + hour / 2,
    "on the day of the change": changed + 2 * hour,
    "a day later": changed + day + hour / 2,
  };
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  /** Fills a query in as SigNoz does. */
  const filled = (query: string, start: number, end: number, variables: Variables = {}) =>
    query
      .replaceAll("{{.start_timestamp}}", String(Math.floor(start / 1000)))
      .replaceAll("{{.end_timestamp}}", String(Math.floor(end / 1000)))
      .replace(/\$(\w+)/g, (_, name): string => {
        const value = variables[name]?.value ?? "__all__";
        return typeof value === "string" ? quoted(value) : `[${value.map(quoted)}]`;
      });
  const choices: Record<string, string[]>[] = [
    {},
    { team: ["r&d", "back\\slash"] },
    { engineer: ["o'neill", "東京", "ada"] },
    { verified: ["true"] },
  ];
  const panels = renderContent(input)
    .dashboards.flatMap(panelsOf)
    .filter(({ queries: [query] }) => query?.type === "clickhouse_sql");

  it.each(panels.map((panel) => [panel.title, panel] as const))("panel: %s", async (_, panel) => {
    const different: string[] = [];
    // Only a chart depends on the range.
    for (const [when, end] of Object.entries(ends))
      for (const choice of choices)
        for (const days of panel.request === "scalar" ? [30] : [1, 30]) {
          const range = { start: end - days * day, end };
          const variables = Object.fromEntries(
            Object.entries(choice).map(([name, value]) => [
              name,
              { type: "dynamic" as const, value },
            ]),
          );
          const query = panel.queries[0]?.spec.query ?? "";
          const expected = sqlTruth(panel.title, whole, input, range, variables);
          const got = await store.query<Record<string, unknown>>(
            filled(query, range.start, end, variables),
          );
          const only = (rows: Record<string, unknown>[]) =>
            panel.request === "scalar" ? rows : rows.map(({ value }) => ({ value }));
          for (const one of rowDifferences(only(got), only(expected)))
            different.push(`${when} ${JSON.stringify(choice)} ${days} d: ${one}`);
        }
    expect(different).toEqual([]);
  });

  it("nobody was active on more days than there are", async () => {
    const query = adoption(timezone);
    const rows = await store.query<{ engineer: string; "active days": number }>(
      filled(query, now - day, ends.now),
    );
    const of = rows.find(({ engineer }) => engineer === "tireless");
    expect(of?.["active days"]).toBe(adoptionDays);
  });

  it.each([hour, day, 30 * day])("a day of the last %i ms stands within them", async (length) => {
    const query = filled(activePerDay(timezone), ends.now - length, ends.now);
    const outside = `SELECT toUnixTimestamp(ts) * 1000 AS at FROM (${query}) WHERE at < ${ends.now - length} OR at > ${ends.now}`;
    expect(await store.query(outside)).toEqual([]);
  });

  it.each(Object.entries(ends))("budgets: %s", async (_, end) => {
    const owns = input.teamBudgets.map(({ team }) => team);
    for (const period of ["day", "month"] as const)
      for (const teams of [...owns.map((only) => ({ only })), { not: owns }]) {
        const query = spentSince(period, { timezone, teams, verifiedOnly: false });
        const got = await store.query<{ engineer: string; value: number }>(
          filled(query, end - day, end),
        );
        const sums = new Map<string, number>();
        for (const { engineer, team, today, month } of spent(whole, input, end))
          if ("only" in teams ? team === teams.only : !owns.includes(team))
            sums.set(engineer, (sums.get(engineer) ?? 0) + (period === "day" ? today : month));
        const expected = [...sums]
          .map(([engineer, value]) => ({ engineer, value: cents(value) }))
          .filter(({ value }) => value > 0);
        const plain = got.map(({ engineer, value }) => ({ engineer, value }));
        expect(rowDifferences(plain, expected)).toEqual([]);
      }
  });
});

const none = { missing: 0, twice: 0, nameless: 0 };
const kills = 2;
describe("under traffic", () => {
  let seed = 10;
  it.each<[string, object, () => Promise<void>]>([
    [
      "the gate is restarted",
      none,
      async () => {
        await sleep(2000);
        // What clients ask again because the answer did not reach them is not the gate's to know.
        quiet = (async () => {
          await sleep(500);
          await gate?.stop();
          await openGate();
        })();
        await quiet;
      },
    ],
    [
      // No block that is written again equals the first one (it has the time of writing in it), so ClickHouse cannot know it.
      "the gate is killed: what was on its way is written again",
      { ...none, twice: expect.any(Number) },
      async () => {
        for (let time = 0; time < kills; time++) {
          await sleep(2000);
          await gate?.stop("SIGKILL");
          await openGate();
        }
      },
    ],
    [
      "the store is killed: what was on its way is written again when the gate starts anew, with its names",
      { ...none, twice: expect.any(Number) },
      async () => {
        for (let time = 0; time < kills; time++) {
          await sleep(2000);
          await store.end("SIGKILL");
          await sleep(1000);
          await store.listen();
          await sleep(2000);
          // As store-guard.sh does.
          await gate?.stop();
          await openGate();
        }
      },
    ],
  ])("%s", async (what, expected, event) => {
    const own = month({ endMs: now, days: 20, seed: seed++ });
    const requests = batches(own);
    const again = await feed(requests, event);
    const row = await difference(own);
    console.log(`${what}: ${JSON.stringify({ requests: requests.length, again, ...row })}`);
    expect(row).toEqual({ sent: sent(own).length, ...expected });
  });
});
