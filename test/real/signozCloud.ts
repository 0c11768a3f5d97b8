import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { signals } from "../../simulator/otlp";
import { type Exported, run, untilHealthy } from "./gate";
import { collector } from "./parts/collector";
import { haproxy } from "./parts/haproxy";
import { readLines } from "./pipelines";

const host = "ingest.test";

/** What stands for SigNoz Cloud: a real collector, which takes OTLP over TLS and HTTP with the one key that it knows. */
export class SignozCloud {
  private readonly dir = mkdtempSync(join(tmpdir(), "signoz-cloud-"));
  private running?: ReturnType<typeof run>;

  private constructor(
    readonly port: number,
    private readonly certificate: Certificate,
    private readonly key: string,
  ) {}

  /** Not started: it is down until then. */
  static async make(key: string): Promise<SignozCloud> {
    return new SignozCloud(await freePort(), await issueCertificate([host]), key);
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
    const health = `127.0.0.1:${await freePort()}`;
    const exporter = {
      path: join(this.dir, "received.jsonl"),
      flush_interval: "10ms",
      append: true,
    };
    const config = {
      extensions: {
        health_check: { endpoint: health },
        bearertokenauth: { header: "signoz-ingestion-key", scheme: "", token: this.key },
      },
      receivers: {
        otlp: {
          protocols: {
            http: {
              endpoint: `127.0.0.1:${this.port}`,
              tls: { cert_file: tls, key_file: tls },
              auth: { authenticator: "bearertokenauth" },
            },
          },
        },
      },
      exporters: { file: exporter },
      service: {
        extensions: ["health_check", "bearertokenauth"],
        pipelines: Object.fromEntries(
          signals.map((signal) => [signal, { receivers: ["otlp"], exporters: ["file"] }]),
        ),
        telemetry: { metrics: { level: "none", readers: [] } },
      },
    };
    const file = join(this.dir, "config.yaml");
    writeFileSync(file, stringify(config));
    this.running = run(await collector(), ["--config", file], {});
    await untilHealthy("SigNoz Cloud", `http://${health}/`, this.running);
  }

  async stop() {
    await this.running?.stop("SIGTERM");
  }

  received(): Exported[] {
    return readLines(join(this.dir, "received.jsonl"));
  }

  /** All that arrived, as text. */
  text(): string {
    return JSON.stringify(this.received());
  }

  async remove() {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The real HAProxy with the shipped sender.cfg in front of SigNoz Cloud. */
export async function startSender(port: number, cloud: SignozCloud, key: string, ca = cloud.ca) {
  const health = `127.0.0.1:${await freePort()}`;
  const sender = run(
    await haproxy(),
    ["-db", "-f", join(__dirname, "../../infra/vm/cloud/sender.cfg")],
    {
      SENDER_BIND: `127.0.0.1:${port}`,
      SENDER_HEALTH_BIND: health,
      SENDER_HOST: host,
      SENDER_PORT: cloud.port,
      SENDER_ADDRESS: `127.0.0.1:${cloud.port}`,
      SENDER_CA: ca,
      SENDER_KEY: key,
    },
  );
  await untilHealthy("sender", `http://${health}/health`, sender);
  return sender;
}
