import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { signozExporters } from "../parts/collector";
import { haproxy } from "../parts/haproxy";
import { imageParts } from "../parts/imageParts";
import { pipelinesEnding } from "../pipelines";
import { host } from "./delivered";
import { Machine } from "./machine";
import { enter, mayResizeOnline, namespaces } from "./namespace";
import { clientBeyond, forkBeyond } from "./outsideClient";

const here = (name: string) => join(__dirname, "containers", name);
/** Beyond the machine's network card. */
const outside = "10.0.0.1";
export const address = "10.0.0.2";

export const services = ["keeper", "clickhouse", "signoz", "collector", "front"] as const;
export type Service = (typeof services)[number];
/** The same, or the one that stands in the store's place before SigNoz Cloud. */
type AnyService = Service | "sender";

// ClickHouse is a stand-in, so what would be stored there ends in a file on the data disk.
const override = {
  exporters: {
    nop: null,
    "file/stored": { path: "/var/lib/otelcol/stored.jsonl", flush_interval: "50ms" },
    ...Object.fromEntries(
      ["metrics", "logs", "traces"].map((signal) => [
        `file/refused_${signal}`,
        { path: `/var/lib/otelcol/refused-${signal}.jsonl` },
      ]),
    ),
  },
  service: {
    pipelines: pipelinesEnding((name) => {
      const [signal, end] = name.split("/");
      return end === "refused"
        ? `file/refused_${signal}`
        : end === "unkept" || end === "hints"
          ? "nop"
          : "file/stored";
    }),
  },
};

/**
 * A machine with the real Docker Engine of Debian 13, on which the shipped compose.yaml runs in containers. Its network card
 * leads to a namespace of its own, where the metadata server is, Secret Manager, and whoever else a container may dial.
 */
export class ContainerMachine extends Machine {
  protected beyond!: ChildProcess;
  private listeners!: ChildProcess;
  private daemon!: ChildProcess;
  private replaceImages?: (machine: ContainerMachine) => Promise<void>;
  /** What the collector's configuration gets on top, and where beyond the card somebody listens. */
  protected override: object = override;
  protected listening = [
    "169.254.169.254:53",
    "203.0.113.7:587",
    "203.0.113.7:443",
    // Where ClickHouse is when it is not on the machine, and where it is not.
    `${outside}:9000`,
    "203.0.113.7:9000",
    "fd20:ce::254:80",
    "2001:db8::7:587",
  ];

  static override start(): Promise<ContainerMachine> {
    return ContainerMachine.with(512);
  }

  /** @param replaceImages builds other images under the names of those that stand in */
  static async with(
    diskMib: number,
    replaceImages?: (machine: ContainerMachine) => Promise<void>,
  ): Promise<ContainerMachine> {
    const machine = new this(...(await Machine.parts()));
    machine.replaceImages = replaceImages;
    // The kernel raises a hard limit for CAP_SYS_RESOURCE only, which a sandbox may lack.
    const files = Number(execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }));
    if (files < 262_144 && !mayResizeOnline())
      for (const name of ["compose.yaml", "gate.yaml"])
        machine.files[name] = (machine.files[name] ?? "").replaceAll("262144", `${files}`);
    return machine.begin(diskMib);
  }

  protected override async connect() {
    this.beyond = spawn("unshare", ["--net", "sleep", "7200"], { stdio: "ignore" });
    await sleep(200);
    enter(this.holder, [here("card.sh"), `${this.beyond.pid}`, address, outside]);
    enter(this.beyond, [here("beyond.sh"), outside, address]);
    this.listeners = spawn(
      "nsenter",
      [
        `--net=/proc/${this.beyond.pid}/ns/net`,
        process.execPath,
        here("listeners.mjs"),
        ...this.listening,
      ],
      { stdio: "ignore" },
    );
    return { pid: this.beyond.pid as number, address: outside };
  }

  protected collector = signozExporters;

  protected override async installDocker() {
    mkdirSync(join(this.dir, "docker"));
    enter(
      this.holder,
      [
        here("engine.sh"),
        this.dir,
        `${address} ${host}`,
        await imageParts(),
        await this.collector(),
        dirname(await haproxy()),
      ],
      stringify(this.override),
    );
    await this.startDocker();
    this.sh("docker import - debian </context/debian.tar >/dev/null; rm /context/debian.tar");
    for (const [target, name] of Object.entries(this.settings.images))
      this.sh(
        `DOCKER_BUILDKIT=0 docker build --network none --quiet --target ${target} --tag ${name} /context >/dev/null`,
      );
    await this.replaceImages?.(this);
  }

  async startDocker() {
    const log = openSync(join(this.dir, "dockerd.log"), "a");
    this.daemon = spawn(
      // Nothing that a test leaves behind may stay for ever.
      "timeout",
      [
        "1800",
        "nsenter",
        `--net=/proc/${this.holder.pid}/ns/net`,
        `--mount=/proc/${this.holder.pid}/ns/mnt`,
        "env",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "dockerd",
      ],
      { stdio: ["ignore", log, log] },
    );
    this.sh("timeout 30 bash -c 'until docker info >/dev/null 2>&1; do sleep 0.5; done'");
  }

  /** Ends the daemon as a stop of its service does: with live-restore the containers stay. */
  async stopDocker() {
    this.daemon.kill("SIGTERM");
    for (let i = 0; i < 100 && this.daemon.exitCode === null; i++) await sleep(100);
    if (this.daemon.exitCode === null) this.daemon.kill("SIGKILL");
  }

  /** Ends the daemon and copies its store, images and all, into a folder. */
  async imagesInto(folder: string) {
    await this.stopDocker();
    execFileSync("cp", ["--archive", join(this.dir, "docker"), folder]);
  }

  /** Cuts the power and boots: the disk is mounted, then Docker starts what had run. */
  override async reboot() {
    this.run(here("power-off.sh"));
    await sleep(200);
    this.sh("mount /mnt/monitoring; /usr/local/sbin/monitoring-firewall");
    await this.startDocker();
  }

  /** Runs a command line where the machine's network card leads to; throws when it fails. */
  onTheOutside(command: string, input = ""): string {
    return enter(this.beyond, ["bash", "-euc", command], input);
  }

  /** Starts a program on the machine, whose answers are read; whoever starts it ends it. */
  spawn(command: string): ChildProcess {
    const line = [...namespaces(this.holder), "chroot", join(this.dir, "root"), "bash", "-euc"];
    return spawn("nsenter", [...line, `exec ${command}`], { stdio: ["ignore", "pipe", "inherit"] });
  }

  /** Runs a command line of this computer into one on the machine; throws when one of them fails. */
  pipe(from: string, into: string) {
    const entered = ["nsenter", ...namespaces(this.holder), "chroot", join(this.dir, "root")];
    const line = [...entered, "bash", "-euc", into];
    execFileSync("bash", ["-euo", "pipefail", "-c", `${from} | "$@"`, "pipe", ...line]);
  }

  /** Runs a program of the test where the machine's network card leads to; it finds the gate in its environment. */
  forkOutside(file: string, ...args: string[]): ChildProcess {
    return forkBeyond(this.beyond, address, this.certificate.ca, file, ...args);
  }

  /** A client beyond the machine's card; whoever starts it ends it. */
  client() {
    return clientBeyond(this.beyond, address, this.certificate.ca);
  }

  /** What the shipped probe says of the gate, asked from outside by its name's address: 0 accepted, 1 refused, 2 not reached. */
  override probe(key: string, ca = this.certificate.ca): number {
    const file = join(this.dir, "gate-ca.pem");
    this.onTheOutside(`cat >${file}`, ca);
    const probe = join(__dirname, "../../../infra/gate/probe.sh");
    return Number(
      this.onTheOutside(
        `${probe} ${host}:4317 ${file} ${address} 2>/dev/null && echo 0 || echo $?`,
        key,
      ),
    );
  }

  /** Runs a command line, or a file of the test with its arguments, in a service's container as its user. */
  within(
    service: AnyService,
    command: string,
    ...args: string[]
  ): { status: number; output: string } {
    const output = this.sh(
      `docker exec monitoring-${service}-1 sh -c "$(cat)" sh ${args.join(" ")} 2>&1 </dev/null || echo "status $?"`,
      command,
    );
    const status = Number(/status (\d+)\n$/.exec(output)?.[1] ?? 0);
    return { status, output };
  }

  /** A Go template's answer about a service's container. */
  inspect(service: AnyService, format: string): string {
    return this.sh(`docker inspect --format '${format}' monitoring-${service}-1`).trim();
  }

  protected override async end() {
    if (this.daemon?.exitCode !== null) await this.startDocker();
    this.sh("docker ps --quiet | timeout 60 xargs --no-run-if-empty docker kill || true");
    await this.stopDocker();
    this.sh("! mountpoint -q /mnt/monitoring || umount -l /mnt/monitoring");
    this.listeners?.kill("SIGKILL");
    this.beyond?.kill("SIGKILL");
  }
}
