import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { stringify } from "yaml";
import type { GateOptions as Rendered } from "../../infra/gate/options";
import { deliveredFiles } from "../../infra/vm/delivery";
import { cloudStore } from "../../infra/vm/stores";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { exportPath, type Signal } from "../../simulator/otlp";
import { composeOf } from "../compose";
import { collector, signozExporters } from "./parts/collector";
import { haproxy } from "./parts/haproxy";
import { cloudExporters, endsInFiles, layConfig, readLines } from "./pipelines";

const shipped = (name: string) => join(__dirname, "../../infra/gate", name);

/** The name on the certificate that startGate issues by default. */
export const gateName = "gate.test";

export interface GateOptions {
  /** A HAProxy to run; default: the one that tests build. */
  frontBinary?: string;
  /** The accepted ingestion keys, one a line. */
  keys: string;
  /** Numbers of haproxy.cfg to run with instead of its own, by their names there (GATE_…). */
  limits?: Record<`GATE_${string}`, string | number>;
  /** Default: issued for gateName and localhost. */
  certificate?: Certificate;
  /** Default: a free one. */
  port?: number;
  env?: Record<string, string>;
  /** What of the configuration is rendered from a stack's settings. */
  rendered?: Partial<Rendered>;
  /** Merged over everything by the collector itself, as one more --config. */
  override?: Record<string, unknown>;
  /** Port of a ClickHouse that SigNoz's own exporters write to; with neither what passes ends in files. */
  storePort?: number;
  /** What runs the collector, as a gate's pod does: a script that takes its command. */
  collectorBy?: string;
  /** Port of a sender to SigNoz Cloud, to which the exporters for it write, whatever else there is to write to. */
  senderPort?: number;
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
  /** Of the front, which is what clients dial. */
  port: number;
  certificate: Certificate;
  /** The folder of keys.map, tls.pem and ca.pem. */
  dir: string;
  /** Of the front. */
  pid: number;
  collectorPid: number;
  /** Of the collector, in clear and without a key, as only the front reaches it. */
  collectorPort: number;
  /** Of the front's statistics and its health check. */
  statisticsPort: number;
  /** Replaces the accepted keys, one a line, as the VM does: the file first, then the running front; both or an error. */
  setKeys(text: string): void;
  /** Replaces the certificate in the same way. */
  setCertificate(certificate: Certificate): void;
  /** Starts the front again, which then knows only what is on disk. */
  restartFront(): Promise<void>;
  /** What has passed the gate so far, its own metrics left out. */
  received(): Exported[];
  /** What front and collector have logged so far. */
  log(): string;
  /** Whether one of the two has ended. */
  exited(): boolean;
  /** Ends both and removes their files; SIGKILL is what a crash is. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts the real HAProxy and the real collector on loopback with the very haproxy.cfg and otel-collector.yaml that
 * ship; only exporters, addresses and paths are overridden, by the environment and by a second --config.
 */
export async function startGate(options: GateOptions): Promise<Gate> {
  const certificate = options.certificate ?? (await issueCertificate([gateName, "localhost"]));
  const dir = mkdtempSync(join(tmpdir(), "gate-"));
  const files = gateFiles(dir);
  files.writeKeys(options.keys);
  files.writeCertificate(certificate);
  const address = {
    port: options.port ?? (await freePort()),
    statisticsPort: await freePort(),
  };
  const collector = await startCollector(dir, address.statisticsPort, options);
  let front = await startFront(dir, address, collector.port, options);
  return {
    host: "127.0.0.1",
    ...address,
    certificate,
    dir,
    get pid() {
      return front.pid;
    },
    collectorPid: collector.pid,
    collectorPort: collector.port,
    setKeys: (text) => {
      files.writeKeys(text);
      files.apply();
    },
    setCertificate: (next) => {
      files.writeCertificate(next);
      files.apply();
    },
    restartFront: async () => {
      await front.stop("SIGKILL");
      front = await startFront(dir, address, collector.port, options);
    },
    received: () => readLines(join(dir, "stored.jsonl")),
    log: () => front.log() + collector.log(),
    exited: () => front.exited() || collector.exited(),
    stop: async (signal = "SIGTERM") => {
      await Promise.all([front.stop(signal), collector.stop(signal)]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** keys.map and tls.pem as the machine's own scripts write them and put them into force. */
function gateFiles(dir: string) {
  const replace = (name: string, text: string) => {
    writeFileSync(join(dir, `${name}.new`), text, { mode: 0o600 });
    renameSync(join(dir, `${name}.new`), join(dir, name));
  };
  return {
    writeKeys: (text: string) =>
      replace(
        "keys.map",
        execFileSync(shipped("keys-map.sh"), { input: `${text}\n`, encoding: "utf8" }),
      ),
    writeCertificate: ({ pem, ca }: Certificate) => {
      replace("tls.pem", pem);
      replace("ca.pem", ca);
    },
    apply: () => {
      execFileSync(shipped("front-apply.sh"), [dir, join(dir, "admin.sock")]);
    },
  };
}

interface Running {
  pid: number;
  log(): string;
  exited(): boolean;
  stop(signal: NodeJS.Signals): Promise<void>;
}

async function startFront(
  dir: string,
  address: { port: number; statisticsPort: number },
  collectorPort: number,
  { frontBinary, limits }: GateOptions,
): Promise<Running> {
  const environment = {
    GATE_DIR: dir,
    GATE_SOCKET: join(dir, "admin.sock"),
    GATE_BIND: `127.0.0.1:${address.port}`,
    GATE_STATISTICS_BIND: `127.0.0.1:${address.statisticsPort}`,
    GATE_COLLECTOR: `127.0.0.1:${collectorPort}`,
    ...limits,
  };
  const args = ["-db", "-f", shipped("haproxy.cfg")];
  const front = run(frontBinary ?? (await haproxy()), args, environment);
  await untilHealthy("front", `http://127.0.0.1:${address.statisticsPort}/health`, front);
  return front;
}

async function startCollector(
  dir: string,
  statisticsPort: number,
  {
    queueDir = join(dir, "queue"),
    override,
    rendered,
    storePort,
    senderPort,
    collectorBy,
    env = {},
  }: GateOptions,
): Promise<Running & { port: number }> {
  mkdirSync(queueDir, { recursive: true });
  const [port, selfPort, healthPort] = [await freePort(), await freePort(), await freePort()];
  layConfig(dir, rendered ?? {}, {
    "127.0.0.1:14317": `127.0.0.1:${selfPort}`,
    "http://sender:4318": `http://127.0.0.1:${senderPort}`,
  });
  const paths = [join(dir, "otel-collector.yaml")];
  const configs = [
    overrides(queueDir, { port, selfPort, healthPort, statisticsPort }),
    storePort
      ? {}
      : senderPort
        ? cloudExporters(readFileSync(join(dir, "exporters.yaml"), "utf8"))
        : endsInFiles(dir),
    override ?? {},
  ];
  for (const [index, config] of configs.entries()) {
    paths.push(join(dir, `override-${index}.yaml`));
    writeFileSync(paths.at(-1) as string, stringify(config));
  }
  const flags = paths.flatMap((path) => ["--config", path]);
  const binary = await (storePort ? signozExporters() : collector());
  const ends = senderPort ? cloudEnvironment() : {};
  const [command, ...args] = [...(collectorBy ? [collectorBy] : []), binary, ...flags];
  const started = run(command as string, args, {
    CLICKHOUSE_PASSWORD: "secret",
    ...(storePort && { CLICKHOUSE_ADDRESS: `127.0.0.1:${storePort}` }),
    ...ends,
    ...env,
  });
  await untilHealthy("collector", `http://127.0.0.1:${healthPort}/`, started);
  return { ...started, port };
}

export function run(
  binary: string,
  args: string[],
  environment: Record<string, string | number>,
): Running {
  const env = { PATH: process.env.PATH, ...environment } as NodeJS.ProcessEnv;
  const child = spawn(binary, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr?.on("data", (chunk) => {
    log += chunk;
  });
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid as number,
    log: () => log,
    exited,
    stop: (signal) => end(child, exited, signal),
  };
}

/** By what the shipped compose.yaml tells the collector to write to SigNoz Cloud. */
export function cloudEnvironment(): Record<string, string> {
  const { environment } = composeOf(deliveredFiles(undefined, cloudStore)).services.collector;
  return Object.fromEntries(
    Object.entries<string>(environment).filter(([name]) => name.startsWith("STORE_")),
  );
}

function overrides(
  queueDir: string,
  ports: Record<"port" | "selfPort" | "healthPort" | "statisticsPort", number>,
) {
  const { port, selfPort, healthPort, statisticsPort } = ports;
  return {
    extensions: {
      health_check: { endpoint: `127.0.0.1:${healthPort}` },
      file_storage: { directory: queueDir, compaction: { directory: queueDir } },
    },
    receivers: {
      otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${port}` } } },
      "otlp/self": { protocols: { grpc: { endpoint: `127.0.0.1:${selfPort}` } } },
      haproxy: { endpoint: `http://127.0.0.1:${statisticsPort}/stats` },
    },
  };
}

export async function untilHealthy(what: string, url: string, { exited, log }: Running) {
  // On a machine that does ten other things a start takes thirty times as long.
  const deadline = Date.now() + 120_000;
  while (Date.now() < deadline && !exited()) {
    const healthy = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (healthy) return;
    await sleep(50);
  }
  throw new Error(`the ${what} did not become healthy:\n${log()}`);
}

async function end(child: ChildProcess, exited: () => boolean, signal: NodeJS.Signals) {
  if (exited()) return;
  child.kill(signal);
  for (let waited = 0; waited < 10_000 && !exited(); waited += 20) await sleep(20);
  if (!exited()) child.kill("SIGKILL");
}

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
        exportPath[signal],
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
