import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { groupsOf, signals } from "../../simulator/otlp";
import { type Exported, run, untilHealthy } from "./gate";
import { countRecords, sample } from "./otlp";
import { collector } from "./parts/collector";
import { haproxy } from "./parts/haproxy";
import { readLines } from "./pipelines";

const host = "ingest.test";

/** Where it listens; another network is entered by a command. */
interface Place {
  address: string;
  port: number;
  enter?: string[];
}

/** What stands for SigNoz Cloud: a real collector, which takes OTLP over TLS and HTTP with the one key that it knows. */
export class SignozCloud {
  private readonly dir = mkdtempSync(join(tmpdir(), "signoz-cloud-"));
  private running?: ReturnType<typeof run>;

  readonly host = host;

  private constructor(
    private readonly place: Place,
    private readonly certificate: Certificate,
    private readonly key: string,
  ) {}

  /** Not started: it is down until then. */
  static async make(key: string, place?: Place): Promise<SignozCloud> {
    const here = place ?? { address: "127.0.0.1", port: await freePort() };
    return new SignozCloud(here, await issueCertificate([host], "authority of SigNoz Cloud"), key);
  }

  get port() {
    return this.place.port;
  }

  /** PEM of the authority that the sender must trust. */
  get ca(): string {
    const file = join(this.dir, "ca.pem");
    writeFileSync(file, this.certificate.ca);
    return file;
  }

  async start() {
    const tls = join(this.dir, "tls.pem");
    writeFileSync(tls, this.certificate.pem);
    const exporter = {
      path: join(this.dir, "received.jsonl"),
      flush_interval: "10ms",
      append: true,
    };
    const config = {
      extensions: {
        // Capital letters, as Go's HTTP server calls it: the extension looks for nothing else.
        bearertokenauth: { header: "Signoz-Ingestion-Key", scheme: "", token: this.key },
      },
      receivers: {
        otlp: {
          protocols: {
            http: {
              endpoint: `${this.place.address}:${this.port}`,
              tls: { cert_file: tls, key_file: tls },
              auth: { authenticator: "bearertokenauth" },
            },
          },
        },
      },
      exporters: { file: exporter },
      service: {
        extensions: ["bearertokenauth"],
        pipelines: Object.fromEntries(
          signals.map((signal) => [signal, { receivers: ["otlp"], exporters: ["file"] }]),
        ),
        telemetry: { metrics: { level: "none", readers: [] } },
      },
    };
    const file = join(this.dir, "config.yaml");
    writeFileSync(file, stringify(config));
    const [binary = "", ...args] = [
      ...(this.place.enter ?? []),
      await collector(),
      "--config",
      file,
    ];
    const running = run(binary, args, {});
    this.running = running;
    for (let waited = 0; !running.log().includes("Everything is ready"); waited += 50) {
      if (running.exited() || waited > 30_000)
        throw new Error(`SigNoz Cloud did not start:\n${running.log()}`);
      await sleep(50);
    }
  }

  async stop() {
    await this.running?.stop("SIGTERM");
  }

  received(): Exported[] {
    return readLines(join(this.dir, "received.jsonl"));
  }

  /** How many metrics, log records and spans of Claude Code arrived; the gate tells of itself too. */
  records(): number[] {
    const requests = this.received();
    return signals.map(
      (signal) =>
        requests
          .flatMap((request) => groupsOf(signal, request))
          .filter(({ resource }) => JSON.stringify(resource ?? {}).includes("claude-code"))
          .flatMap(({ scopes }) => scopes.flatMap(({ records }) => records)).length,
    );
  }

  async remove() {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The same of so many samples of each signal. */
export const recordsOf = (times: number) =>
  signals.map((signal) => times * countRecords(signal, sample(signal)));

/** A certificate for the name of SigNoz Cloud, and the file of its authority. */
export async function issuer() {
  const certificate = await issueCertificate([host]);
  const ca = join(mkdtempSync(join(tmpdir(), "signoz-cloud-")), "ca.pem");
  writeFileSync(ca, certificate.ca);
  return { certificate, ca };
}

/** The real HAProxy with the shipped sender.cfg in front of what stands for SigNoz Cloud. */
export async function startSender(
  port: number,
  cloud: { port: number; ca: string; host?: string },
  key: string,
  { binary, ca = cloud.ca }: { binary?: string; ca?: string } = {},
) {
  const health = `127.0.0.1:${await freePort()}`;
  const shipped = join(__dirname, "../../infra/vm/cloud/sender.cfg");
  const sender = run(binary ?? (await haproxy()), ["-db", "-f", shipped], {
    SENDER_BIND: `127.0.0.1:${port}`,
    SENDER_HEALTH_BIND: health,
    SENDER_HOST: cloud.host ?? host,
    SENDER_PORT: cloud.port,
    SENDER_ADDRESS: `127.0.0.1:${cloud.port}`,
    SENDER_CA: ca,
    SENDER_KEY: key,
  });
  await untilHealthy("sender", `http://${health}/health`, sender);
  return sender;
}
