import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { redaction } from "../../infra/gate/content";
import { defaultGate } from "../../infra/gate/options";
import { processors } from "../../infra/gate/processors";
import { type Signal, signals } from "../../simulator/otlp";
import { Attacker, message, request as whole } from "../real/attacker";
import { type Gate, OtlpClient, startGate } from "../real/gate";
import { firstRecords, sample } from "../real/otlp";
import { storedIn } from "../real/pipelines";
import { cpuSeconds, residentMib } from "../real/process";
import { median, type Table } from "./table";

const rounds = 7;
const secondsPerRound = 1;
const inFlight = 16;
/** What a session of Claude Code sends in a minute of metrics, in five seconds of logs, and in a long burst of them. */
const requests: { name: string; signal: Signal; bytes: Buffer }[] = [
  { name: "metrics, 18 points", signal: "metrics", bytes: sample("metrics") },
  { name: "logs, 5 records", signal: "logs", bytes: firstRecords("logs", sample("logs"), 5) },
  { name: "logs, 37 records", signal: "logs", bytes: sample("logs") },
];
const ownKey = "engineer.0123456789";
const key = { "signoz-ingestion-key": ownKey };
/** One client of the bench is more than one person may be. */
const limits = {
  GATE_REQUESTS_PER_KEY: 1e9,
  GATE_BYTES_PER_KEY: 4e9,
  GATE_CONNECTIONS_PER_SOURCE: 8000,
  GATE_NEW_CONNECTIONS_PER_SOURCE: 8000,
};

/**
 * What is done to a record: nothing; the least by which the collector's own components can tell names (the list of allowed
 * names, and one statement that does nothing); or all that is shipped.
 */
const steps = {
  none: () => ["memory_limiter"],
  least: (signal: Signal) => ["memory_limiter", `redaction/least_${signal}`, "transform/least"],
  shipped: undefined,
};
type Steps = keyof typeof steps;

const idle = [{ context: "resource", statements: ['set(attributes["never"], 1) where false'] }];
const allProcessors = {
  ...processors(defaultGate),
  "transform/least": { metric_statements: idle, log_statements: idle, trace_statements: idle },
  ...Object.fromEntries(
    signals.map((signal) => {
      const { allowed_keys } = redaction(signal, defaultGate);
      return [`redaction/least_${signal}`, { allowed_keys, summary: "silent" }];
    }),
  ),
};

/** The pipelines with their steps, ending in one exporter. */
const pipelines = (exporter: string, done: Steps) => {
  const of = steps[done];
  return {
    processors: allProcessors,
    // Without what SigNoz suggests from, which is no part of a plain collector.
    ...(of && {
      connectors: Object.fromEntries(
        signals.map((name) => [`routing/${name}`, { default_pipelines: [`${name}/stored`] }]),
      ),
    }),
    service: {
      pipelines: {
        ...(of && Object.fromEntries(signals.map((name) => [name, { processors: of(name) }]))),
        ...storedIn(exporter),
      },
    },
  };
};
/** The queue on disk as shipped, and behind it a store that takes all. */
const queued = (storePort: number) => {
  const { sending_queue, retry_on_failure } = parse(
    readFileSync(join(__dirname, "../../infra/gate/exporters.yaml"), "utf8"),
    { merge: true },
  ).clickhouselogsexporter;
  const endpoint = `127.0.0.1:${storePort}`;
  return {
    exporters: {
      "otlp/store": { endpoint, tls: { insecure: true }, sending_queue, retry_on_failure },
    },
  };
};

interface Variant {
  name: string;
  gate: Gate;
  /** Past the front, in clear. */
  open: boolean;
}

/** Requests per second through front and collector, against the same collector open, plain and without processing. */
export async function gate(): Promise<Table> {
  const start = (override: Record<string, unknown>) =>
    startGate({ keys: ownKey, limits, override });
  const store = await start(pipelines("nop", "none"));
  const started: Gate[] = [store];
  const groups: { end: string; variants: Variant[] }[] = [];
  try {
    for (const [end, exporter] of [
      ["queue and store", "otlp/store"],
      ["nothing behind it", "nop"],
    ] as const) {
      const gates: Gate[] = [];
      for (const done of ["none", "least", "shipped"] as const)
        gates.push(await start({ ...queued(store.collectorPort), ...pipelines(exporter, done) }));
      started.push(...gates);
      const [bare, least, shipped] = gates as [Gate, Gate, Gate];
      groups.push({
        end,
        variants: [
          { name: "open, plain, no processing", gate: bare, open: true },
          { name: "open, plain, as shipped", gate: shipped, open: true },
          { name: "front, no processing", gate: bare, open: false },
          { name: "front, least", gate: least, open: false },
          { name: "front, as shipped", gate: shipped, open: false },
        ],
      });
    }
    const rows: string[][] = [];
    for (const { end, variants } of groups)
      for (const request of requests)
        rows.push(...(await compare(`${request.name}; ${end}`, variants, request)));
    return {
      title: `Gate, ${inFlight} requests at once (median of ${rounds}, interleaved; ratio to the first of five)`,
      head: ["", "requests/s", "ratio", "CPU us/request", "p50 ms", "p99 ms"],
      rows,
    };
  } finally {
    for (const gate of started) await gate.stop();
  }
}

async function compare(
  title: string,
  variants: Variant[],
  request: (typeof requests)[number],
): Promise<string[][]> {
  const measured = variants.map(() => ({
    rates: [] as number[],
    costs: [] as number[],
    ms: [] as number[],
  }));
  for (let round = 0; round <= rounds; round++)
    for (const [index, { gate, open }] of variants.entries()) {
      const cpu = () => cpuSeconds(gate.pid) + cpuSeconds(gate.collectorPid);
      const before = cpu();
      const { perSecond, latenciesMs } = await load(gate, open, request);
      // The first round warms up.
      if (round === 0) continue;
      measured[index]?.rates.push(perSecond);
      measured[index]?.costs.push(((cpu() - before) / latenciesMs.length) * 1e6);
      measured[index]?.ms.push(...latenciesMs);
    }
  const [baseline] = measured;
  return variants.map(({ name }, index) => {
    const { rates, costs, ms } = measured[index] ?? { rates: [], costs: [], ms: [] };
    return [
      `${title}: ${name}`,
      median(rates).toFixed(0),
      (median(rates) / median(baseline?.rates ?? [])).toFixed(2),
      median(costs).toFixed(0),
      quantile(ms, 0.5).toFixed(1),
      quantile(ms, 0.99).toFixed(1),
    ];
  });
}

/** Memory of front and collector with clients that have each sent one request and stay. */
export async function clients(): Promise<Table> {
  const rows: string[][] = [];
  for (const count of [0, 1000, 5000]) {
    const gate = await startGate({ keys: ownKey, limits, override: pipelines("nop", "shipped") });
    const attacker = new Attacker(gate);
    // In groups, since who says nothing for three seconds is sent away.
    for (let made = 0; made < count; made += 50)
      for (const socket of await attacker.many(50))
        socket.write(whole(1, message(sample("metrics")), { key: ownKey }));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    rows.push([
      String(count),
      residentMib(gate.pid).toFixed(0),
      residentMib(gate.collectorPid).toFixed(0),
      String(attacker.connected),
    ]);
    attacker.leave();
    await gate.stop();
  }
  return {
    title: "Memory of the gate by connected clients",
    head: ["clients", "front MiB", "collector MiB", "connected"],
    rows,
  };
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

async function load(gate: Gate, open: boolean, { signal, bytes }: (typeof requests)[number]) {
  const target = open ? { ...gate, port: gate.collectorPort, certificate: null } : gate;
  const client = new OtlpClient(target);
  const began = performance.now();
  const until = began + secondsPerRound * 1000;
  const latenciesMs: number[] = [];
  const worker = async () => {
    while (performance.now() < until) {
      const at = performance.now();
      const code = await client.send(signal, bytes, key);
      if (code !== 0) throw new Error(`the gate answered ${code}`);
      latenciesMs.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  client.close();
  return { perSecond: latenciesMs.length / ((performance.now() - began) / 1000), latenciesMs };
}
