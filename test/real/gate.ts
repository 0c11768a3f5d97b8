import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { stringify } from "yaml";
import type { GateOptions as Rendered } from "../../infra/gate/processors";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { collector } from "./parts/collector";
import { endsInFiles, layConfig, readLines } from "./pipelines";

/** The name on the certificate that startGate issues by default. */
export const gateName = "gate.test";

export interface GateOptions {
  /** A collector to run; default: the one that tests build. */
  binary?: string;
  /** Text of the keys file exactly as it lands on disk (one key a line, no final newline); null: no file. */
  keys: string | null;
  /** Default: issued for gateName and localhost. */
  certificate?: Certificate;
  /** Default: a free one. */
  port?: number;
  env?: Record<string, string>;
  /** What of the configuration is rendered from a stack's settings. */
  rendered?: Partial<Rendered>;
  /** Merged over everything by the collector itself, as one more --config. */
  override?: Record<string, unknown>;
  /** Where the queues lie; default: a folder that goes with the gate. */
  queueDir?: string;
}

/** One OTLP request as it left the pipelines: the JSON encoding of the protocol. */
export type Exported = Record<
  "resourceMetrics" | "resourceLogs" | "resourceSpans",
  // biome-ignore lint/suspicious/noExplicitAny: the OTLP JSON tree, which each test reads by path
  any[] | undefined
>;

export interface Gate {
  host: "127.0.0.1";
  port: number;
  certificate: Certificate;
  /** The folder of the keys file, tls.pem and ca.pem. */
  dir: string;
  pid: number;
  /** Replaces the keys file as the VM does: written beside it, then renamed. */
  setKeys(text: string): void;
  /** What has passed the gate so far, its own metrics left out. */
  received(): Exported[];
  /** What the collector has logged so far. */
  log(): string;
  exited(): boolean;
  /** Ends the collector and removes its files; SIGKILL is what a crash is. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts the real collector on loopback with the very otel-collector.yaml that ships; only exporters,
 * addresses and paths are overridden by a second --config.
 */
export async function startGate(options: GateOptions): Promise<Gate> {
  const binary = options.binary ?? (await collector());
  const certificate = options.certificate ?? (await issueCertificate([gateName, "localhost"]));
  const dir = mkdtempSync(join(tmpdir(), "gate-"));
  const queueDir = options.queueDir ?? join(dir, "queue");
  mkdirSync(queueDir, { recursive: true });
  const keysFile = join(dir, "keys");
  const setKeys = (text: string) => {
    writeFileSync(`${keysFile}.new`, text, { mode: 0o600 });
    renameSync(`${keysFile}.new`, keysFile);
  };
  if (options.keys !== null) setKeys(options.keys);
  writeFileSync(join(dir, "tls.pem"), certificate.pem, { mode: 0o600 });
  writeFileSync(join(dir, "ca.pem"), certificate.ca);
  const [port, selfPort, healthPort] = [
    options.port ?? (await freePort()),
    await freePort(),
    await freePort(),
  ];
  const configs = [
    overrides(dir, queueDir, port, selfPort, healthPort),
    endsInFiles(dir),
    options.override ?? {},
  ];
  layConfig(dir, options.rendered ?? {});
  const args = [join(dir, "otel-collector.yaml")];
  for (const [index, config] of configs.entries()) {
    args.push(join(dir, `override-${index}.yaml`));
    writeFileSync(args.at(-1) as string, stringify(config));
  }
  const child = spawn(
    binary,
    args.flatMap((path) => ["--config", path]),
    { env: { PATH: process.env.PATH, ...options.env }, stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr?.on("data", (chunk) => {
    log += chunk;
  });
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  await untilHealthy(healthPort, exited, () => log);
  return {
    host: "127.0.0.1",
    port,
    certificate,
    dir,
    pid: child.pid as number,
    setKeys,
    received: () => readLines(join(dir, "stored.jsonl")),
    log: () => log,
    exited,
    stop: async (signal = "SIGTERM") => {
      await end(child, exited, signal);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function overrides(
  dir: string,
  queueDir: string,
  port: number,
  selfPort: number,
  healthPort: number,
) {
  return {
    extensions: {
      bearertokenauth: { filename: join(dir, "keys") },
      health_check: { endpoint: `127.0.0.1:${healthPort}` },
      file_storage: {
        directory: queueDir,
        compaction: { directory: queueDir },
      },
    },
    receivers: {
      otlp: {
        protocols: {
          grpc: {
            endpoint: `127.0.0.1:${port}`,
            tls: { cert_file: join(dir, "tls.pem"), key_file: join(dir, "tls.pem") },
          },
        },
      },
      "otlp/self": { protocols: { grpc: { endpoint: `127.0.0.1:${selfPort}` } } },
    },
  };
}

async function untilHealthy(port: number, exited: () => boolean, log: () => string) {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && !exited()) {
    const healthy = await fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (healthy) return;
    await sleep(50);
  }
  throw new Error(`the collector did not become healthy:\n${log()}`);
}

async function end(child: ChildProcess, exited: () => boolean, signal: NodeJS.Signals) {
  if (exited()) return;
  child.kill(signal);
  for (let waited = 0; waited < 10_000 && !exited(); waited += 20) await sleep(20);
  if (!exited()) child.kill("SIGKILL");
}

export type Signal = "metrics" | "logs" | "traces";

const services: Record<Signal, string> = {
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

/** A gRPC client of a gate that sends recorded requests as the bytes they are. */
export class OtlpClient {
  private readonly client: grpc.Client;

  constructor(
    gate: { host: string; port: number; certificate: Certificate | null },
    private readonly deadlineMs = 10_000,
  ) {
    // Channels of one process would otherwise share their connection, as those of many do not.
    const own = { "grpc.use_local_subchannel_pool": 1 };
    const credentials = gate.certificate
      ? grpc.credentials.createSsl(Buffer.from(gate.certificate.ca))
      : grpc.credentials.createInsecure();
    this.client = new grpc.Client(`${gate.host}:${gate.port}`, credentials, {
      "grpc.ssl_target_name_override": gateName,
      "grpc.default_authority": gateName,
      ...own,
    });
  }

  /** @returns the gRPC status code of the answer; 0 is accepted */
  send(signal: Signal, request: Buffer, headers: Record<string, string | string[]> = {}) {
    const metadata = new grpc.Metadata();
    for (const [name, values] of Object.entries(headers))
      for (const value of [values].flat()) metadata.add(name, value);
    return new Promise<grpc.status>((resolve) => {
      this.client.makeUnaryRequest(
        services[signal],
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        metadata,
        { deadline: Date.now() + this.deadlineMs },
        (error) => resolve(error ? error.code : grpc.status.OK),
      );
    });
  }

  close() {
    this.client.close();
  }
}
