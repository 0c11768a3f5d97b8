/**
 * Puts the dashboards, rules and views into a SigNoz of a scratch stack, feeds it a month of telemetry that is known to
 * the last token, asks every panel with every variable as SigNoz' own page does, every view and every rule, and compares
 * with a truth computed apart. For before an upgrade of SigNoz (docs/runbook.md); never for a stack that people use.
 *
 * Usage: npm run verify:content -- URL --gate GATE [--report FILE]
 *   URL     of SigNoz, e.g. http://127.0.0.1:8080
 *   --gate  where telemetry goes: https://HOST:4317, or http://HOST:4317 of a collector behind a front
 * Environment: SIGNOZ_EMAIL, SIGNOZ_PASSWORD of the root user; GATE_KEY, GATE_CA_CERTIFICATE (PEM) for https.
 * Exit: 0 all equal; 1 something differs, each difference in a line; 2 it could not be asked.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { renderContent } from "../infra/signoz/content";
import { knownMonth, type Month, unproven } from "../simulator/month/month";
import { batches, sender } from "../simulator/month/send";
import columns from "../simulator/signoz/columns.json";
import { fullInput } from "../simulator/signoz/input";
import type { Part } from "./verifyContent/compare";
import { comparePanels } from "./verifyContent/panels";
import { compareRules } from "./verifyContent/rules";
import { Signoz } from "./verifyContent/signoz";
import { compareViews } from "./verifyContent/views";

/** Budgets that some of the known month's people pass, and others do not. */
const input = {
  ...fullInput,
  dailyBudgetUsd: 1,
  monthlyBudgetUsd: 12,
  teamBudgets: [
    { team: "research", dailyUsd: 2, monthlyUsd: 5 },
    { team: "r&d", dailyUsd: 0, monthlyUsd: 3 },
    { team: 'say "hi"', dailyUsd: 1, monthlyUsd: 1 },
  ],
  ...{ hasSlack: false, hasWebhookToken: false, alertEmails: [] },
};
/** Nobody listens there: without any channel SigNoz would let no critical notice silence its warning. */
const secrets = { webhookUrl: "http://127.0.0.1:9/" };

/** @throws Error with provision.sh's own words */
function provision(user: { email: string; password: string }, url: string): void {
  const folder = mkdtempSync(join(tmpdir(), "verify-content-"));
  try {
    const file = (name: string, value: object) => {
      writeFileSync(join(folder, name), JSON.stringify(value), { mode: 0o600 });
      return join(folder, name);
    };
    const script = join(__dirname, "../infra/signoz/provisioning/provision.sh");
    const { status, stderr, stdout } = spawnSync(
      "bash",
      [
        script,
        file("content", renderContent(input)),
        file("credentials", user),
        url,
        join(folder, "state"),
        file("secrets", secrets),
      ],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`provision.sh ended with ${status}: ${stderr}`);
    console.log(stdout.trim().split("\n").at(-1));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const counted = (table: string, time: string, since: number) =>
  `SELECT toFloat64(count()) AS value FROM ${table} WHERE ${time} AND toUnixTimestamp64Milli(now64(3)) > ${since}`;

/** Records of Claude Code that SigNoz has, by signal. */
async function storedRecords(signoz: Signoz): Promise<number[]> {
  const tables = [
    counted("signoz_metrics.distributed_samples_v4", "metric_name LIKE 'claude\\\\_code.%'", 0),
    counted("signoz_logs.distributed_logs_v2", "body LIKE 'claude\\\\_code.%'", 0),
    counted("signoz_traces.distributed_signoz_index_v3", "name LIKE 'claude\\\\_code.%'", 0),
  ];
  const counts: number[] = [];
  for (const query of tables) counts.push((await sql(signoz, query))[0]?.value as number);
  return counts;
}

async function sql(signoz: Signoz, query: string): Promise<Record<string, unknown>[]> {
  const now = Date.now();
  const { data } = await signoz.ask("POST", "/api/v5/query_range", {
    ...{ schemaVersion: "v1", start: now - 60_000, end: now, requestType: "scalar" },
    compositeQuery: { queries: [{ type: "clickhouse_sql", spec: { name: "A", query } }] },
  });
  const [{ columns, data: rows }] = data.data.results;
  return (rows ?? []).map((row: unknown[]) =>
    Object.fromEntries(columns.map(({ name }: { name: string }, i: number) => [name, row[i]])),
  );
}

async function feed(month: Month, gate: string): Promise<void> {
  const direct = gate.startsWith("http://");
  const { send, close } = sender(gate, process.env.GATE_CA_CERTIFICATE);
  for (const batch of batches(month))
    await send(
      batch,
      direct
        ? { "x-monitoring-owner": batch.owner ?? "-" }
        : { "signoz-ingestion-key": process.env.GATE_KEY ?? "" },
    );
  close();
}

/**
 * Columns that SigNoz' tables have and columns.json does not know: names that a query may not use bare. With `$$` in
 * them they are attributes that SigNoz has pulled out.
 */
async function unknownColumns(signoz: Signoz): Promise<string[]> {
  const tables = {
    metrics: "database = 'signoz_metrics' AND table IN ('time_series_v4', 'samples_v4')",
    logs: "database = 'signoz_logs' AND table = 'logs_v2'",
    traces: "database = 'signoz_traces' AND table = 'signoz_index_v3'",
  };
  const unknown: string[] = [];
  for (const [signal, where] of Object.entries(tables))
    for (const { name } of await sql(signoz, `SELECT name FROM system.columns WHERE ${where}`))
      if (!`${name}`.includes("$$") && !columns[signal as keyof typeof tables].includes(`${name}`))
        unknown.push(`${signal} ${name}`);
  return unknown;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { gate: { type: "string" }, report: { type: "string" } },
  });
  const [url] = positionals;
  const { SIGNOZ_EMAIL: email, SIGNOZ_PASSWORD: password } = process.env;
  if (!url || !email || !password || !values.gate)
    throw new Error(
      "usage: npm run verify:content -- URL --gate GATE, with SIGNOZ_EMAIL and SIGNOZ_PASSWORD",
    );
  const signoz = new Signoz(url.replace(/\/$/, ""), { email, password });
  await signoz.logIn();
  const before = await storedRecords(signoz);
  if (before.some((count) => count > 0))
    throw new Error(
      `${url} already holds telemetry of Claude Code (${before.join(", ")} points, log records, spans); this needs a SigNoz without any`,
    );
  provision({ email, password }, signoz.url);

  const end = Math.floor(Date.now() / 60_000) * 60_000;
  const sent = knownMonth({ endMs: end });
  // Through a gate with one shared key nobody's name is proven.
  const month = values.gate.startsWith("http://") ? sent : unproven(sent);
  await feed(sent, values.gate);
  const expected = [month.points.length, month.logs.length, month.spans.length];
  let stored = await storedRecords(signoz);
  for (let waited = 0; waited < 120 && `${stored}` !== `${expected}`; waited++) {
    await sleep(1000);
    stored = await storedRecords(signoz);
  }
  const differences =
    `${stored}` === `${expected}`
      ? []
      : [`stored ${stored} points, log records and spans, sent ${expected}`];
  console.log(`fed: ${expected.join(" + ")} points, log records and spans; stored: ${stored}`);
  for (const column of await unknownColumns(signoz))
    differences.push(`column ${column} is not in simulator/signoz/columns.json`);

  const parts: Record<string, Part> = {};
  for (const [name, compare] of Object.entries({
    panels: comparePanels,
    views: compareViews,
    rules: compareRules,
  })) {
    const part = await compare(signoz, month, input, end);
    console.log(part.summary);
    differences.push(...part.differences);
    parts[name] = part;
  }
  for (const difference of differences) console.log(`different: ${difference}`);
  if (values.report)
    writeFileSync(values.report, `${JSON.stringify({ ...parts, differences }, null, 2)}\n`);
  process.exitCode = differences.length > 0 ? 1 : 0;
}

main().catch((error) => {
  console.error(`verify:content: ${(error as Error).message}`);
  process.exitCode = 2;
});
