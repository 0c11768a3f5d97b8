import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { deliveredFiles } from "../../../infra/vm/delivery";
import type { Certificate } from "../../../simulator/certificate";
import { defaultSettings } from "./delivered";
import type { Observed, Surroundings } from "./surroundings";

/** What a machine under test finds around it, as the test sets it: the metadata server and Secret Manager. */
export abstract class Surrounded {
  /** @param certificate the gate's */
  protected constructor(readonly certificate: Certificate) {}
  protected server!: ChildProcess;
  /** Files that the metadata delivers, by path; tests change them to deliver another version. */
  files: Record<string, string> = deliveredFiles();
  settings = defaultSettings();
  /** Value of monitoring-content; none by default. */
  content = "";

  /**
   * Starts the surroundings.
   * @param network a process in their network, and the address of Secret Manager there
   * @param pem Secret Manager's certificate and key
   */
  protected async surroundIn(network: { pid: number; address: string }, pem: string) {
    this.server = fork(join(__dirname, "surroundings.ts"), {
      execPath: "nsenter",
      execArgv: [`--net=/proc/${network.pid}/ns/net`, process.execPath, "--import", "tsx"],
      env: { ...process.env, SURROUNDINGS_PEM: pem, SURROUNDINGS_ADDRESS: network.address },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    await new Promise<void>((resolve, reject) => {
      this.server.once("message", () => resolve());
      this.server.once("exit", () => reject(new Error("the surroundings did not start")));
    });
  }
  protected leaveSurroundings() {
    this.server?.disconnect();
    this.server?.kill();
  }

  /** Payloads of the versions that the settings name. */
  secrets(): Record<string, string> {
    const { secrets } = this.settings;
    return {
      ...Object.fromEntries(
        secrets.ingestionKeys.map((name, index) => [name, `shared-key-${index + 1}`]),
      ),
      ...Object.fromEntries(secrets.engineerKeys.map((name) => [name, "first.last.5e3f0b61c2"])),
      [secrets.tls]: this.certificate.pem,
      [secrets.signozAdmin]: 'Admin$1`"quoted"\\ #x',
      [secrets.clickhouse]: JSON.stringify({
        signoz: "signozPassword0001",
        collector: "collectorPassword1",
        migrator: "migratorPassword01",
      }),
    };
  }

  /** Publishes files and settings as core's program does, under a digest of them. */
  async deliver(secrets?: Record<string, string>): Promise<string> {
    const { "startup.sh": startup = "", ...files } = this.files;
    const delivered = {
      "startup-script": startup,
      "monitoring-files": JSON.stringify(files),
      "monitoring-settings": JSON.stringify(this.settings),
      ...(this.content && { "monitoring-content": this.content }),
    };
    const digest = createHash("sha256").update(JSON.stringify(delivered)).digest("hex");
    await this.surround({
      attributes: { ...delivered, "monitoring-digest": digest },
      ...(secrets && { secrets }),
    });
    return digest;
  }

  surround(set: Partial<Surroundings>): Promise<Observed> {
    return this.ask({ set });
  }
  observed(): Promise<Observed> {
    return this.ask({});
  }
  /** Starts a new page: what the metadata server has seen so far is forgotten. */
  async forget() {
    await this.ask({ forget: true });
  }
  private ask(message: object): Promise<Observed> {
    return new Promise((resolve) => {
      const listen = (answer: { observed?: Observed }) => {
        if (!answer.observed) return;
        this.server.off("message", listen);
        resolve(answer.observed);
      };
      this.server.on("message", listen);
      this.server.send(message);
    });
  }
}
