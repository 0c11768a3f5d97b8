import { Attacker, message, request as whole } from "../real/attacker";
import { type Gate, OtlpClient, startGate } from "../real/gate";
import { sample } from "../real/otlp";
import { cpuSeconds, residentMib } from "../real/process";
import { median, type Table } from "./table";

const rounds = 7;
const secondsPerRound = 2;
const inFlight = 16;
const request = sample("metrics");
const ownKey = "engineer.0123456789";
const key = { "signoz-ingestion-key": ownKey };
/** One client of the bench is more than one person may be. */
const limits = {
  GATE_REQUESTS_PER_KEY: 1e9,
  GATE_BYTES_PER_KEY: 4e9,
  GATE_CONNECTIONS_PER_SOURCE: 8000,
  GATE_NEW_CONNECTIONS_PER_SOURCE: 8000,
};

/** Pipelines without the identity and content steps. */
const bare = { processors: ["memory_limiter"] };
const pipelines = (one: object) => ({
  service: { pipelines: { metrics: one, "metrics/stored": { exporters: ["nop"] } } },
});

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
  const variants: Variant[] = [
    {
      name: "collector, open, plain, no processing",
      gate: await start(pipelines(bare)),
      open: true,
    },
    { name: "collector, open, plain, as shipped", gate: await start(pipelines({})), open: true },
    {
      name: "front with TLS and key, no processing",
      gate: await start(pipelines(bare)),
      open: false,
    },
    { name: "front and collector as shipped", gate: await start(pipelines({})), open: false },
  ];
  const measured = variants.map(() => ({
    rates: [] as number[],
    costs: [] as number[],
    ms: [] as number[],
  }));
  try {
    for (let round = 0; round <= rounds; round++)
      for (const [index, { gate, open }] of variants.entries()) {
        const cpu = () => cpuSeconds(gate.pid) + cpuSeconds(gate.collectorPid);
        const before = cpu();
        const { perSecond, latenciesMs } = await load(gate, open);
        // The first round warms up.
        if (round === 0) continue;
        measured[index]?.rates.push(perSecond);
        measured[index]?.costs.push(((cpu() - before) / latenciesMs.length) * 1e6);
        measured[index]?.ms.push(...latenciesMs);
      }
  } finally {
    for (const { gate } of variants) await gate.stop();
  }
  const [baseline] = measured;
  return {
    title: `Gate, requests of ${request.length} bytes, ${inFlight} at once (median of ${rounds}, interleaved; goal: as shipped at least 0.9 of the first row)`,
    head: ["", "requests/s", "ratio", "CPU us/request", "p50 ms", "p99 ms"],
    rows: variants.map(({ name }, index) => {
      const { rates, costs, ms } = measured[index] ?? { rates: [], costs: [], ms: [] };
      return [
        name,
        median(rates).toFixed(0),
        (median(rates) / median(baseline?.rates ?? [])).toFixed(2),
        median(costs).toFixed(0),
        quantile(ms, 0.5).toFixed(1),
        quantile(ms, 0.99).toFixed(1),
      ];
    }),
  };
}

/** Memory of front and collector with clients that have each sent one request and stay. */
export async function clients(): Promise<Table> {
  const rows: string[][] = [];
  for (const count of [0, 1000, 5000]) {
    const gate = await startGate({ keys: ownKey, limits, override: pipelines({}) });
    const attacker = new Attacker(gate);
    // In groups, since who says nothing for three seconds is sent away.
    for (let made = 0; made < count; made += 50)
      for (const socket of await attacker.many(50))
        socket.write(whole(1, message(request), { key: ownKey }));
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

async function load(gate: Gate, open: boolean) {
  const target = open ? { ...gate, port: gate.collectorPort, certificate: null } : gate;
  const client = new OtlpClient(target);
  const began = performance.now();
  const until = began + secondsPerRound * 1000;
  const latenciesMs: number[] = [];
  const worker = async () => {
    while (performance.now() < until) {
      const at = performance.now();
      const code = await client.send("metrics", request, key);
      if (code !== 0) throw new Error(`the gate answered ${code}`);
      latenciesMs.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  client.close();
  return { perSecond: latenciesMs.length / ((performance.now() - began) / 1000), latenciesMs };
}
