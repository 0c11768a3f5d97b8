import { type Gate, OtlpClient, startGate } from "../real/gate";
import { sample } from "../real/otlp";
import { cpuSeconds } from "../real/process";
import { median, type Table } from "./table";

const rounds = 7;
const secondsPerRound = 2;
const inFlight = 16;
const request = sample("metrics");
const key = { "signoz-ingestion-key": "engineer.0123456789" };

/** Pipelines without the identity and content steps. */
const bare = { processors: ["memory_limiter"] };
const full = {};
const pipelines = (one: object) => ({
  service: { pipelines: { metrics: one, "metrics/stored": { exporters: ["nop"] } } },
});

/** Requests per second through the gate, against the same collector open, plain and without processing. */
export async function gate(): Promise<Table> {
  const open = { receivers: { otlp: { protocols: { grpc: { tls: null, auth: null } } } } };
  const variants: [string, Gate, boolean][] = [
    [
      "open, plain, no processing",
      await startGate({ keys: "x", override: { ...open, ...pipelines(bare) } }),
      false,
    ],
    [
      "TLS and key",
      await startGate({ keys: "engineer.0123456789", override: pipelines(bare) }),
      true,
    ],
    [
      "TLS, key, identity (as shipped)",
      await startGate({ keys: "engineer.0123456789", override: pipelines(full) }),
      true,
    ],
  ];
  const rates = new Map<string, number[]>(variants.map(([name]) => [name, []]));
  const costs = new Map<string, number[]>(variants.map(([name]) => [name, []]));
  try {
    for (let round = 0; round <= rounds; round++)
      for (const [name, one, tls] of variants) {
        const before = cpuSeconds(one.pid);
        const rate = await requestsPerSecond({ ...one, certificate: tls ? one.certificate : null });
        // The first round warms up.
        if (round === 0) continue;
        rates.get(name)?.push(rate);
        costs.get(name)?.push(((cpuSeconds(one.pid) - before) / (rate * secondsPerRound)) * 1e6);
      }
  } finally {
    for (const [, one] of variants) await one.stop();
  }
  const of = (values: Map<string, number[]>, name: string) => median(values.get(name) ?? []);
  const baseline = variants[0]?.[0] ?? "";
  return {
    title: `Gate, requests of ${request.length} bytes (median of ${rounds}, interleaved; goal: as shipped at least 0.9 of the first row)`,
    head: ["", "requests/s", "ratio", "collector CPU us/request", "ratio"],
    rows: variants.map(([name]) => [
      name,
      of(rates, name).toFixed(0),
      (of(rates, name) / of(rates, baseline)).toFixed(2),
      of(costs, name).toFixed(0),
      (of(costs, name) / of(costs, baseline)).toFixed(2),
    ]),
  };
}

async function requestsPerSecond(target: ConstructorParameters<typeof OtlpClient>[0]) {
  const client = new OtlpClient(target);
  const began = performance.now();
  const until = began + secondsPerRound * 1000;
  let done = 0;
  const worker = async () => {
    while (performance.now() < until) {
      const code = await client.send("metrics", request, key);
      if (code !== 0) throw new Error(`the gate answered ${code}`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  client.close();
  return done / ((performance.now() - began) / 1000);
}
