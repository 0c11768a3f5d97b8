import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deliveredFiles, machineSettings } from "../../../infra/vm/delivery";
import { cloudStore } from "../../../infra/vm/stores";
import { fixtureSettings } from "../../../simulator/program";
import { collector } from "../parts/collector";
import { cloudExporters } from "../pipelines";
import { SignozCloud } from "../signozCloud";
import { ContainerMachine } from "./containerMachine";
import { defaultSettings, host } from "./delivered";

export const cloudKey = "cloud-key-0001";
const version = "projects/p/secrets/monitoring-signoz-cloud-secret-dev/versions/1";
const address = "203.0.113.7";

/** A machine whose gate stands before SigNoz Cloud, and SigNoz Cloud beyond its network card. */
export class CloudMachine extends ContainerMachine {
  /** Not started. */
  cloud!: SignozCloud;
  private names!: ChildProcess;

  override files = deliveredFiles(undefined, cloudStore);
  protected override collector = collector;
  protected override override = cloudExporters(this.files["exporters.yaml"] ?? "");
  protected override listening = [`${address}:587`, "fd20:ce::254:80", "2001:db8::7:587"];

  static startCloud(): Promise<CloudMachine> {
    return CloudMachine.with(512, (machine) =>
      (machine as CloudMachine).trust(),
    ) as Promise<CloudMachine>;
  }

  protected override async connect() {
    const surroundings = await super.connect();
    const net = `--net=/proc/${this.beyond.pid}/ns/net`;
    this.names = spawn(
      "nsenter",
      [net, process.execPath, join(__dirname, "containers/names.mjs"), "169.254.169.254", address],
      { stdio: "ignore" },
    );
    this.cloud = await SignozCloud.make(cloudKey, { address, port: 443, enter: ["nsenter", net] });
    const [name, port] = [this.cloud.host, this.cloud.port];
    const settings = fixtureSettings(
      { backend: "cloud", adminEmail: "", cloudEndpoint: `${name}:${port}` },
      { cloudIngestionKey: cloudKey },
    );
    const { ingestionKeys, engineerKeys, tls } = defaultSettings().secrets;
    const secrets = { ingestionKeys, engineerKeys, tls, cloud: version };
    this.settings = machineSettings(
      settings,
      host,
      secrets,
      cloudStore,
    ) as unknown as typeof this.settings;
    return surroundings;
  }

  /** The machine, and the sender's image, know the authority of what stands for SigNoz Cloud. */
  private async trust() {
    const ca = readFileSync(this.cloud.ca, "utf8");
    this.sh("cat >>/etc/ssl/certs/ca-certificates.crt", ca);
    const image = this.settings.images.front;
    this.sh("mkdir /context/trust; cat >/context/trust/ca.crt", ca);
    this.sh(
      `cd /context/trust; printf 'FROM ${image}\\nUSER root\\nCOPY ca.crt /usr/local/share/ca-certificates/\\nRUN update-ca-certificates\\n' >Dockerfile; DOCKER_BUILDKIT=0 docker build --network none --quiet --tag ${image} . >/dev/null`,
    );
  }

  override secrets(): Record<string, string> {
    const { ingestionKeys, engineerKeys, tls } = this.settings.secrets;
    return {
      ...Object.fromEntries(ingestionKeys.map((name, index) => [name, `shared-key-${index + 1}`])),
      ...Object.fromEntries(engineerKeys.map((name) => [name, "first.last.5e3f0b61c2"])),
      [tls]: this.certificate.pem,
      [version]: cloudKey,
    };
  }
  /** The version that holds the key of SigNoz Cloud. */
  readonly keyVersion = version;

  protected override async end() {
    await super.end();
    this.names?.kill("SIGKILL");
    await this.cloud?.remove();
  }
}
