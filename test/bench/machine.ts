import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf, type Sent } from "../real/load";
import { ContainedTables } from "../real/machine/containedTables";
import { ContainerMachine, type Service, services } from "../real/machine/containerMachine";
import { machineMissing } from "../real/machine/machine";
import { defaultMemory } from "../real/machine/memory";
import { storeImages } from "../real/machine/storeImages";
import type { Table } from "./table";

const loads = [50, 200, 1000];
const seconds = 75;
/** A metrics request of the load has as many. */
const points = 18;
const files = "/var/lib/monitoring";

/** Memory and processor of each service's container on a machine with the default type's memory, by engineers at work. */
export async function machine(): Promise<Table> {
  const head = ["", "MiB connected", "MiB at the end", "MiB at most", "MiB of limit", "vCPU"];
  const missing = machineMissing();
  if (missing) return { title: `Machine: not measured here, it ${missing}`, head, rows: [] };
  const running = await ContainerMachine.with(8192, storeImages);
  try {
    running.setMemory(defaultMemory.machine);
    await running.deliver(running.secrets());
    const { status, output } = await running.startup({ patience: 20 });
    if (status !== 0) throw new Error(`the machine does not come up: ${output}`);
    acceptKeys(running, Math.max(...loads));
    const [told, rows]: [string[], string[][]] = [[], []];
    for (const engineers of loads) {
      const found = await under(running, engineers);
      told.push(`${engineers} engineers: ${found.told}`);
      rows.push(...found.rows.map(([service, ...cells]) => [`${engineers}: ${service}`, ...cells]));
    }
    return {
      title: [
        `Machine with ${defaultMemory.machine} MiB, containers as shipped; ${seconds} s of everybody's model call every 5 s (ClickHouse: its engine, 26.1, in Python; Keeper and SigNoz stand in)`,
        ...told,
      ].join("\n  "),
      head,
      rows,
    };
  } finally {
    await running.stop();
  }
}

/** As apply_keys of services.sh does it, without a secret each. */
function acceptKeys(running: ContainerMachine, engineers: number) {
  const keys = Array.from({ length: engineers }, (_, index) => `${keyOf(index)}\n`).join("");
  running.sh(
    `cd ${files}; files/keys-map.sh >>gate/keys.map; files/front-apply.sh gate front/admin.sock /run/gate`,
    keys,
  );
}

async function under(running: ContainerMachine, engineers: number) {
  const tables = new ContainedTables(running);
  const before = await stored(tables);
  const usage = watch(running);
  const child = running.forkOutside(join(__dirname, "engineers.ts"), `${engineers}`, `${seconds}`);
  const gone = once(child, "exit").then(([code, signal]) => {
    throw new Error(`${engineers} engineers ended early: ${code ?? signal}`);
  });
  gone.catch(() => undefined);
  await Promise.race([once(child, "message"), gone]);
  const idle = usage.take();
  const [sent] = (await Promise.race([once(child, "message"), gone])) as [Sent];
  child.disconnect();
  const busy = usage.take();
  usage.stop();
  const { metrics, logs, traces } = sent.accepted;
  const rows = metrics * points + (logs + traces) * 4;
  const queued = async () => before + rows - (await stored(tables));
  const atTheEnd = await queued();
  const drained = performance.now();
  while ((await queued()) > 0 && performance.now() - drained < 120_000) await sleep(1000);
  const requests = sent.latenciesMs.length;
  const quantile = (share: number) => sent.latenciesMs[Math.floor(requests * share)]?.toFixed(0);
  const told = [
    `${(requests / sent.seconds).toFixed(0)} requests/s`,
    `answers by gRPC status ${JSON.stringify(sent.codes)}`,
    `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`,
    `of ${rows} rows ${atTheEnd} queued at the end, ${await queued()} ${((performance.now() - drained) / 1000).toFixed(0)} s later`,
  ];
  return {
    told: told.join("; "),
    rows: services.map((service) => {
      const all = busy[service] ?? [];
      const last = all.at(-1);
      const most = Math.max(...all.map(({ mib }) => mib));
      const cpu = all.reduce((sum, { cpu }) => sum + cpu, 0) / all.length;
      const mib = [idle[service]?.at(-1)?.mib, last?.mib, most, last?.limitMib];
      return [service, ...mib.map((value) => value?.toFixed(0) ?? "-"), cpu.toFixed(2)];
    }),
  };
}

/** Rows of engineers in SigNoz's tables; the gate's own metrics are none. */
async function stored(tables: ContainedTables): Promise<number> {
  const [row] = await tables.query<{ rows: number }>(
    `SELECT (SELECT count() FROM signoz_logs.logs_v2) + (SELECT count() FROM signoz_traces.signoz_index_v3) +
      (SELECT count() FROM signoz_metrics.samples_v4 WHERE startsWith(metric_name, 'claude_code')) AS rows`,
  );
  return row?.rows ?? 0;
}

interface Sample {
  /** 1 is a processor. */
  cpu: number;
  /** As Docker counts it: without files that the kernel can take back. */
  mib: number;
  limitMib: number;
}

function watch(running: ContainerMachine) {
  const child = running.spawn("docker stats --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}}'");
  let samples: Partial<Record<Service, Sample[]>> = {};
  const mib = (amount: string) =>
    Number.parseFloat(amount) * ({ K: 1 / 1024, G: 1024 }[amount.at(-3) ?? ""] ?? 1);
  createInterface({ input: child.stdout as Readable }).on("line", (line) => {
    const [, service, cpu, used, limit] =
      /monitoring-(\w+)-1 ([\d.]+)% (\S+) \/ (\S+)/.exec(line) ?? [];
    if (!service || !used || !limit) return;
    const sample = { cpu: Number(cpu) / 100, mib: mib(used), limitMib: mib(limit) };
    samples[service as Service] = [...(samples[service as Service] ?? []), sample];
  });
  return {
    /** What was seen since the last time. */
    take() {
      const taken = samples;
      samples = {};
      return taken;
    },
    stop: () => child.kill(),
  };
}
