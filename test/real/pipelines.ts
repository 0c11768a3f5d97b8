import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { defaultGate, type GateOptions } from "../../infra/gate/options";
import { deliveredFiles } from "../../infra/vm/delivery";
import { freePort } from "../../simulator/freePort";
import { encode, type Signal } from "../../simulator/otlp";
import { type Exported, OtlpClient } from "./gate";
import { collector } from "./parts/collector";
import { one } from "./requests";

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

/** A file of the file exporter, read on and on. */
class Output {
  private readBytes = 0;

  constructor(private readonly path: string) {}

  /** What has come before the marker, since the last one. */
  async before(marker: string): Promise<Exported[]> {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(5)) {
      const text = readFileSync(this.path).subarray(this.readBytes).toString();
      const end = text.indexOf("\n", text.indexOf(`"${marker}"`));
      if (!text.includes(`"${marker}"`) || end < 0) continue;
      this.readBytes += Buffer.byteLength(text.slice(0, end + 1));
      return text
        .slice(0, end)
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    }
    throw new Error(`${this.path} holds no ${marker}`);
  }
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

/** The shipped pipelines with the connectors between them, and at each end the exporter that the pipeline gets here. */
export function pipelinesEnding(exporterOf: (pipeline: string) => string) {
  const path = join(__dirname, "../../infra/gate/otel-collector.yaml");
  const { connectors, service } = parse(readFileSync(path, "utf8"), { merge: true });
  return Object.fromEntries(
    Object.entries<{ exporters: string[] }>(service.pipelines).flatMap(([name, { exporters }]) => {
      const between = exporters.filter((exporter) => exporter in connectors);
      return between.length < exporters.length
        ? [[name, { exporters: [...between, exporterOf(name)] }]]
        : [];
    }),
  );
}

/** The same of those pipelines alone that end in the store. */
export const storedIn = (exporter: string) =>
  Object.fromEntries(
    Object.entries(pipelinesEnding(() => exporter)).filter(([name]) =>
      /[/](?:stored|content)$/.test(name),
    ),
  );

const endOf: Record<string, string> = {
  counts: "file/counts",
  hints: "nop",
  refused: "file/refused",
  self: "nop",
  unkept: "nop",
};

/** Replaces SigNoz's exporters by files. */
export function endsInFiles(dir: string) {
  const file = (name: string) => ({ path: join(dir, `${name}.jsonl`), flush_interval: "10ms" });
  return {
    exporters: {
      nop: null,
      ...Object.fromEntries(outputs.map((name) => [`file/${name}`, file(name)])),
    },
    service: {
      pipelines: {
        ...pipelinesEnding((name) => endOf[name.split("/")[1] ?? ""] ?? "file/stored"),
        // Without the batch they are written before the answer.
        "metrics/counts": { processors: ["transform/counts"], exporters: ["file/counts"] },
      },
      telemetry: { metrics: { level: "none", readers: [] } },
    },
  };
}

/** The exporters of exporters.yaml without ClickHouse's, which the collector that tests build does not know. */
export function cloudExporters(text: string) {
  const known = Object.entries(parse(text, { merge: true })).filter(([name]) =>
    /^(?:otlphttp|file|nop)\b/.test(name),
  );
  return { exporters: Object.fromEntries(known) };
}

export async function startPipelines(
  options: Partial<GateOptions> & { override?: object; binary?: string } = {},
): Promise<Pipelines> {
  const { override, binary = await collector(), ...gate } = options;
  const dir = mkdtempSync(join(tmpdir(), "pipelines-"));
  mkdirSync(join(dir, "queue"));
  layConfig(dir, gate);
  const [port, selfPort, healthPort, markerPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
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
        "otlp/marker": { protocols: { grpc: { endpoint: `127.0.0.1:${markerPort}` } } },
      },
      service: {
        extensions: ["file_storage", "health_check"],
        pipelines: {
          "metrics/marker": {
            receivers: ["otlp/marker"],
            exporters: outputs.map((name) => `file/${name}`),
          },
        },
      },
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
  const marking = new OtlpClient({ host: "127.0.0.1", port: markerPort, certificate: null });
  const ends = outputs.map((name) => new Output(join(dir, `${name}.jsonl`)));
  let passes = 0;
  const send = (signal: Signal, request: Buffer, owner = "-") =>
    client.send(signal, request, { "x-monitoring-owner": owner });
  return {
    port,
    pid: child.pid as number,
    send,
    pass: async (signal, request, owner) => {
      const status = await send(signal, request, owner);
      if (status !== 0) throw new Error(`the collector answered ${status}:\n${log}`);
      // Written before the answer but flushed later: what stands in each file before a marker is all there is.
      const name = `marker-${++passes}`;
      await marking.send("metrics", encode("metrics", [one("metrics", { metric: { name } })]));
      const [stored = [], refused = [], counts = []] = await Promise.all(
        ends.map((end) => end.before(name)),
      );
      return { stored, refused, counts };
    },
    log: () => log,
    exited,
    stop: async (signal = "SIGTERM") => {
      client.close();
      marking.close();
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
