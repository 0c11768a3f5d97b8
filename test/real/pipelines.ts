import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { defaultGate, type GateOptions } from "../../infra/gate/processors";
import { deliveredFiles } from "../../infra/vm/delivery";
import { freePort } from "../../simulator/freePort";
import { type Exported, OtlpClient, type Signal } from "./gate";
import { collector } from "./parts/collector";

export const signals: Signal[] = ["metrics", "logs", "traces"];

/** The shipped collector behind the front: no TLS, no key, and the header by which the front names the key's owner. */
export interface Pipelines {
  port: number;
  pid: number;
  /** @returns the gRPC status of one request in the name of a key's owner; "-" is a shared key */
  send(signal: Signal, request: Buffer, owner?: string): Promise<number>;
  /** Sends and returns what went to SigNoz's exporters, the refused records and the counts of both. */
  pass(signal: Signal, request: Buffer, owner?: string): Promise<Passed>;
  log(): string;
  exited(): boolean;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Passed {
  stored: Exported[];
  refused: Exported[];
  counts: Exported[];
}

const outputs = ["stored", "refused", "counts"] as const;

/** The whole lines that the file exporter has written so far. */
export function readLines(path: string): Exported[] {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The delivered configuration in a folder of the test's, and the pipelines' ends as files in it. */
export function layConfig(
  dir: string,
  options: Partial<GateOptions>,
  elsewhere: Record<string, string> = {},
) {
  const files = deliveredFiles({ ...defaultGate, ...options });
  const places = { "/etc/otelcol": dir, "/var/lib/otelcol": dir, ...elsewhere };
  for (const name of ["otel-collector.yaml", "processors.yaml", "exporters.yaml"]) {
    let text = files[name] ?? "";
    for (const [shipped, here] of Object.entries(places)) text = text.replaceAll(shipped, here);
    writeFileSync(join(dir, name), text);
  }
}

/** Replaces SigNoz's exporters by files. */
export function endsInFiles(dir: string) {
  const file = (name: string) => ({ path: join(dir, `${name}.jsonl`), flush_interval: "10ms" });
  const pipelines = Object.fromEntries(
    signals.flatMap((signal) => [
      [`${signal}/stored`, { exporters: ["file/stored"] }],
      [`${signal}/refused`, { exporters: ["file/refused"] }],
    ]),
  );
  return {
    exporters: {
      nop: null,
      ...Object.fromEntries(outputs.map((name) => [`file/${name}`, file(name)])),
    },
    service: {
      pipelines: {
        ...pipelines,
        "metrics/counts": { exporters: ["file/counts"] },
        "metrics/self": { exporters: ["nop"] },
      },
      telemetry: { metrics: { level: "none", readers: [] } },
    },
  };
}

export async function startPipelines(
  options: Partial<GateOptions> & { override?: object; binary?: string } = {},
): Promise<Pipelines> {
  const { override, binary = await collector(), ...gate } = options;
  const dir = mkdtempSync(join(tmpdir(), "pipelines-"));
  mkdirSync(join(dir, "queue"));
  layConfig(dir, gate);
  const [port, selfPort, healthPort] = [await freePort(), await freePort(), await freePort()];
  const configs = [
    {
      extensions: {
        health_check: { endpoint: `127.0.0.1:${healthPort}` },
        file_storage: {
          directory: join(dir, "queue"),
          compaction: { directory: join(dir, "queue") },
        },
      },
      receivers: {
        otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${port}`, tls: null, auth: null } } },
        "otlp/self": { protocols: { grpc: { endpoint: `127.0.0.1:${selfPort}` } } },
      },
      service: { extensions: ["file_storage", "health_check"] },
    },
    endsInFiles(dir),
    override ?? {},
  ];
  const args = ["--config", join(dir, "otel-collector.yaml")];
  for (const [index, config] of configs.entries()) {
    writeFileSync(join(dir, `override-${index}.yaml`), stringify(config));
    args.push("--config", join(dir, `override-${index}.yaml`));
  }
  const child: ChildProcess = spawn(binary, args, {
    env: { PATH: process.env.PATH, CLICKHOUSE_PASSWORD: "secret" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr?.on("data", (chunk) => {
    log += chunk;
  });
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  await untilServing(healthPort, exited, () => log);
  const client = new OtlpClient({ host: "127.0.0.1", port, certificate: null });
  const read = (name: string) => readLines(join(dir, `${name}.jsonl`));
  const seen = { stored: 0, refused: 0, counts: 0 };
  const send = (signal: Signal, request: Buffer, owner = "-") =>
    client.send(signal, request, { "x-monitoring-owner": owner });
  return {
    port,
    pid: child.pid as number,
    send,
    pass: async (signal, request, owner) => {
      const status = await send(signal, request, owner);
      if (status !== 0) throw new Error(`the collector answered ${status}:\n${log}`);
      // The files are written before the answer, but flushed a moment after it.
      await sleep(60);
      const fresh = { stored: read("stored"), refused: read("refused"), counts: read("counts") };
      const passed = {} as Passed;
      for (const name of outputs) {
        passed[name] = fresh[name].slice(seen[name]);
        seen[name] = fresh[name].length;
      }
      return passed;
    },
    log: () => log,
    exited,
    stop: async (signal = "SIGTERM") => {
      client.close();
      if (!exited()) child.kill(signal);
      for (let waited = 0; waited < 10_000 && !exited(); waited += 20) await sleep(20);
      if (!exited()) child.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function untilServing(port: number, exited: () => boolean, log: () => string) {
  for (let waited = 0; waited < 30_000 && !exited(); waited += 50) {
    const ok = await fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    await sleep(50);
  }
  throw new Error(`the collector did not become healthy:\n${log()}`);
}
