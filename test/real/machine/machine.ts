import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { type Certificate, issueCertificate } from "../../../simulator/certificate";
import { collector } from "../parts/collector";
import { debian } from "../parts/debian";
import { pipelinesEnding } from "../pipelines";
import { host } from "./delivered";
import { enter, mayResizeOnline, namespaces } from "./namespace";
import { Surrounded } from "./surrounded";

const here = (name: string) => join(__dirname, name);

/** What runs on the machine needs root, mount namespaces and loop devices; why it cannot run here, or "". */
export function machineMissing(): string {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync("unshare", ["--net", "--mount", "true"]).status !== 0) return "needs unshare";
  if (spawnSync("losetup", ["--find"]).status !== 0) return "needs loop devices";
  return spawnSync("debootstrap", ["--version"]).status === 0 ? "" : "needs debootstrap";
}

/** A run of startup.sh. */
export interface Run {
  status: number | null;
  output: string;
}

/**
 * A Debian 13 machine on loopback: the real userland in a chroot with namespaces of its own, a loop
 * device as data disk, the shipped files delivered by a metadata server, secrets by a Secret Manager;
 * docker and systemctl are recorders, but the gate that comes up is the real HAProxy and the real collector.
 */
export class Machine extends Surrounded {
  protected constructor(
    protected readonly dir: string,
    protected readonly holder: ChildProcess,
    certificate: Certificate,
  ) {
    super(certificate);
  }
  private loop = "";

  /**
   * A machine with a boot disk that is new, and a data disk of `diskMib` MiB that is blank or made
   * from `snapshot` (a file).
   */
  static async start(diskMib = 256, snapshot?: string): Promise<Machine> {
    const machine = new Machine(...(await Machine.parts()));
    return machine.begin(diskMib, snapshot);
  }

  /** What a constructor takes: a folder, namespaces of its own, the gate's certificate. */
  protected static async parts() {
    const dir = mkdtempSync(join(tmpdir(), "machine-"));
    for (const name of ["upper", "work", "root"]) mkdirSync(join(dir, name));
    const holder = spawn(
      "unshare",
      ["--net", "--mount", "--propagation", "private", "sleep", "7200"],
      { stdio: "ignore" },
    );
    await sleep(200);
    return [dir, holder, await issueCertificate([host])] as const;
  }

  protected begin(diskMib: number, snapshot?: string): Promise<this> {
    return this.prepare(diskMib, snapshot).catch(async (error) => {
      // What was never up cannot be ended, which must not hide why.
      await this.stop().catch(() => {});
      throw error;
    });
  }

  private async prepare(diskMib: number, snapshot?: string): Promise<this> {
    const { dir, holder } = this;
    const userland = await debian();
    const secretManager = await issueCertificate(["secretmanager.googleapis.com"]);
    const surroundings = await this.connect();
    writeFileSync(join(dir, "ca.pem"), secretManager.ca);
    enter(holder, [here("prepare.sh"), userland, dir, surroundings.address]);
    if (!mayResizeOnline())
      this.install("/usr/local/bin/resize2fs", readFileSync(here("resize-offline.sh"), "utf8"));
    await this.installDocker(join(dir, "root"));
    await this.surroundIn(surroundings, secretManager.pem);
    this.attachDisk(diskMib, snapshot);
    await this.deliver(this.secrets());
    return this;
  }

  /** Gives the machine a network; where its surroundings are: a process in their network, their address. */
  protected async connect(): Promise<{ pid: number; address: string }> {
    enter(this.holder, [
      "sh",
      "-euc",
      "ip link set lo up; ip address add 169.254.169.254/32 dev lo",
    ]);
    return { pid: this.holder.pid as number, address: "127.0.0.1" };
  }

  protected async installDocker(root: string) {
    enter(this.holder, ["cp", await collector(), join(root, "opt/otelcol")]);
    this.install("/usr/local/bin/docker", readFileSync(here("docker-recorder.sh"), "utf8"));
    this.install("/opt/override.yaml", stringify(override()));
  }

  /** Starts a new page: what docker and the metadata server have seen so far is forgotten. */
  override async forget() {
    await super.forget();
    this.sh("rm -f /recorded/docker");
  }

  private attachDisk(mib: number, snapshot?: string) {
    const image = join(this.dir, "disk.img");
    if (snapshot) copyFileSync(snapshot, image);
    execFileSync("truncate", ["-s", `${mib}M`, image]);
    this.loop = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
    this.showDisk();
  }
  private showDisk() {
    this.sh(
      `rm -f ${this.loop}; mknod ${this.loop} b 7 ${this.loop.replace("/dev/loop", "")}; ln -sf ${this.loop} /dev/disk/by-id/google-monitoring-data`,
    );
  }
  /** What a snapshot of the attached disk holds: its blocks at this moment, mounted or not. */
  snapshot(): string {
    const file = join(this.dir, "snapshot.img");
    this.sh("sync");
    copyFileSync(join(this.dir, "disk.img"), file);
    return file;
  }
  detachDisk() {
    this.sh("rm -f /dev/disk/by-id/google-monitoring-data");
  }
  reattachDisk() {
    this.showDisk();
  }
  growDisk(mib: number) {
    execFileSync("truncate", ["-s", `${mib}M`, join(this.dir, "disk.img")]);
    execFileSync("losetup", ["--set-capacity", this.loop]);
  }
  /** Loop device of the data disk, as seen on the machine and outside. */
  get disk() {
    return this.loop;
  }

  /** Runs a command line on the machine; throws when it fails. */
  sh(command: string, input = ""): string {
    return enter(this.holder, ["chroot", join(this.dir, "root"), "bash", "-euc", command], input);
  }

  /** Runs a shell file of the test on the machine; throws when it fails. */
  run(file: string, ...args: string[]): string {
    const program = readFileSync(file, "utf8");
    return enter(this.holder, [
      "chroot",
      join(this.dir, "root"),
      "bash",
      "-c",
      program,
      file,
      ...args,
    ]);
  }

  /** Puts an executable file on the machine. */
  install(path: string, text: string) {
    this.sh(`cat >${path}; chmod 755 ${path}`, text);
  }

  /** Content of a file on the machine, or null. */
  read(path: string): string | null {
    const answer = spawnSync(
      "nsenter",
      [...namespaces(this.holder), "cat", join(this.dir, "root", path)],
      { encoding: "utf8", maxBuffer: 1e8 },
    );
    return answer.status === 0 ? answer.stdout : null;
  }

  /** Lines that the docker recorder has seen, without the questions that change nothing. */
  docker(): string[] {
    return (this.read("/recorded/docker") ?? "")
      .split("\n")
      .filter(
        (line) =>
          line !== "" &&
          !/^(info|image inspect|image prune|inspect|exec|ps)\b| config | ps /.test(line),
      )
      .map((line) =>
        line.replace(/compose --project-directory \S+ --file \S+ --env-file \S+ /, "compose "),
      );
  }

  /** Runs startup.sh as the guest agent does; `killAt` ends it (SIGKILL) at a stage, or when it settles. */
  async startup(
    options: {
      killAt?: string | Promise<unknown>;
      args?: string[];
      patience?: number;
      script?: string;
    } = {},
  ): Promise<Run> {
    const script = "/tmp/startup-script";
    enter(
      this.holder,
      ["sh", "-euc", `cat >${join(this.dir, "root", script)}`],
      options.script ?? this.files["startup.sh"],
    );
    const child = spawn(
      "nsenter",
      [
        ...namespaces(this.holder),
        "chroot",
        join(this.dir, "root"),
        "env",
        "-i",
        "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        `MONITORING_PATIENCE=${options.patience ?? 3}`,
        "bash",
        script,
        ...(options.args ?? []),
      ],
      { detached: true, stdio: ["ignore", "pipe", "pipe"] },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        output += chunk;
      });
    const { killAt } = options;
    const end = () => process.kill(-(child.pid as number), "SIGKILL");
    const kill = (message: { stage?: string }) => {
      if (message.stage === killAt) end();
    };
    if (killAt instanceof Promise) killAt.then(end);
    else if (killAt) this.server.on("message", kill);
    const status = await new Promise<number | null>((resolve) =>
      child.on("close", (code) => resolve(code)),
    );
    this.server.off("message", kill);
    return { status, output };
  }

  /** Starts `startup.sh watch`, as the installed unit does; the caller ends it. */
  watch(): ChildProcess {
    return spawn(
      "nsenter",
      [
        ...namespaces(this.holder),
        "chroot",
        join(this.dir, "root"),
        "env",
        "-i",
        "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "MONITORING_PATIENCE=3",
        "/var/lib/monitoring/startup.sh",
        "watch",
      ],
      { detached: true, stdio: "ignore" },
    );
  }

  /** What a power cycle leaves: the disks, and nothing that ran. */
  reboot() {
    this.run(here("power-off.sh"));
  }
  /** Lets the machine see this much memory. */
  setMemory(mib: number) {
    this.run(here("memory.sh"), `${mib}`);
  }

  /** What the shipped probe says of the gate for this key: 0 accepted, 1 refused, 2 not reached. */
  probe(key: string, ca = this.certificate.ca): number {
    this.sh("cat >/tmp/ca.pem", ca);
    const probe = `/var/lib/monitoring/files/probe.sh ${host}:4317 /tmp/ca.pem 127.0.0.1`;
    return Number(this.sh(`${probe} 2>/dev/null && echo 0 || echo $?`, key));
  }

  /** Process ids of front and collector; each changes when it was restarted. */
  gatePid(): string {
    const [front, collector] = ["front", "collector"].map((name) =>
      this.read(`/recorded/${name}.pid`)?.trim(),
    );
    return `${front} ${collector}`;
  }

  /** Ends whatever runs on the machine. */
  protected async end() {
    this.reboot();
  }
  async stop() {
    try {
      await this.end();
    } finally {
      this.leaveSurroundings();
      this.holder.kill("SIGKILL");
      await sleep(200);
      spawnSync("losetup", ["--detach", this.loop]);
      rmSync(this.dir, { recursive: true, force: true });
    }
  }
}

function override() {
  return {
    receivers: {
      otlp: { protocols: { grpc: { endpoint: "127.0.0.1:24317" } } },
      haproxy: { endpoint: "http://127.0.0.1:8404/stats" },
    },
    exporters: { nop: null, file: { path: "/tmp/self.jsonl", flush_interval: "50ms" } },
    service: {
      pipelines: pipelinesEnding((name) => (name === "metrics/self" ? "file" : "nop")),
      telemetry: { metrics: { level: "none", readers: [] } },
    },
  };
}
