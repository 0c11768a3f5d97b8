import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Certificate } from "../../simulator/certificate";
import { issueCertificate } from "../../simulator/certificate";
import { host } from "../real/machine/delivered";
import { machineMissing } from "../real/machine/machine";
import { clientBeyond } from "../real/machine/outsideClient";
import { Surrounded } from "../real/machine/surrounded";
import { kernel, kernelMissing } from "../real/parts/kernel";
import { bootDisk } from "./bootDisk";

const here = (name: string) => join(__dirname, "host", name);
/** Why no machine can boot here, or "". */
export function bootMissing(): string {
  if (!existsSync("/dev/net/tun")) return "needs /dev/net/tun";
  return machineMissing() || kernelMissing();
}

/** Where the machine's network card leads to, and its own address there. */
const gateway = "10.0.0.1";
const address = "10.0.0.2";

/**
 * A Debian 13 machine with a kernel of its own (User Mode Linux), its systemd, Docker Engine and Google's runner of startup
 * scripts. Its two disks are files, its memory ends with its process: SIGKILL is a power cut.
 */
export class BootedMachine extends Surrounded {
  private linux?: ChildProcess;
  private began = 0;
  private snapshots = 0;
  /** What startup.sh has failed at so far. */
  readonly errors = new Set<string>();
  /** What the serial console has said since power came on. */
  serial = "";

  private constructor(
    private readonly dir: string,
    private readonly beyond: ChildProcess,
    private readonly kernel: string,
    certificate: Certificate,
  ) {
    super(certificate);
  }

  /**
   * A machine that was never booted, without power.
   * @param diskMib of its data disk, which is blank or made from `snapshot` (a file)
   */
  static async made(diskMib = 4096, snapshot?: string): Promise<BootedMachine> {
    const dir = mkdtempSync(join(tmpdir(), "booted-"));
    const beyond = spawn("unshare", ["--net", "sleep", "14400"], { stdio: "ignore" });
    await sleep(200);
    execFileSync("nsenter", [...netOf(beyond), here("beyond.sh"), gateway]);
    const machine = new BootedMachine(dir, beyond, await kernel(), await issueCertificate([host]));
    const secretManager = await issueCertificate(["secretmanager.googleapis.com"]);
    copyDisk(await bootDisk(), join(dir, "boot.img"));
    if (snapshot) copyDisk(snapshot, join(dir, "data.img"));
    execFileSync("truncate", ["--size", `${diskMib}M`, join(dir, "data.img")]);
    machine.onBootDisk("cat >>etc/ssl/certs/ca-certificates.crt", secretManager.ca);
    await machine.surroundIn({ pid: beyond.pid as number, address: gateway }, secretManager.pem);
    await machine.deliver(machine.secrets());
    return machine;
  }

  /** Runs a command line in the root of the boot disk while the machine has no power. */
  onBootDisk(command: string, input = "") {
    execFileSync("unshare", ["--mount", here("edit.sh"), join(this.dir, "boot.img"), command], {
      input,
    });
  }

  /** Gives it power; `parameters` are the kernel's. */
  async powerOn(...parameters: string[]) {
    await this.forget();
    this.serial = "";
    this.began = performance.now();
    const linux = spawn(
      "nsenter",
      [
        ...netOf(this.beyond),
        // Kernel and processes take turns: on two processors every turn costs an interrupt, and a boot twice the time.
        "taskset",
        "--cpu-list",
        `${cpus().length - 1}`,
        // Without it the machine's processes would outlive their kernel.
        "unshare",
        "--pid",
        "--fork",
        "--kill-child",
        // What a machine type with 8 GB shows.
        this.kernel,
        "mem=8064M",
        // Where the kernel has it (6.16): a system call without two turns of ptrace.
        "seccomp=auto",
        `ubd0=${join(this.dir, "boot.img")}`,
        `ubd1=${join(this.dir, "data.img")}`,
        "root=/dev/ubda",
        "rw",
        "vec0:transport=tap,ifname=tap0,depth=128,gro=1",
        "con0=null,fd:1",
        "con=null",
        "ssl=null",
        "quiet",
        "systemd.show_status=error",
        ...parameters,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const log = createWriteStream(join(this.dir, "serial.log"), { flags: "a" });
    for (const stream of [linux.stdout, linux.stderr])
      stream.on("data", (chunk) => {
        this.serial += chunk;
        log.write(chunk);
      });
    this.linux = linux;
  }

  get seconds() {
    return (performance.now() - this.began) / 1000;
  }

  /** Pulls the plug. */
  async cut() {
    this.linux?.kill("SIGKILL");
    await this.off();
  }

  /** Ends it as a person would. */
  async shutDown() {
    await this.sh("systemctl --no-block poweroff");
    await this.off();
  }

  private async off() {
    while (this.linux && this.linux.exitCode === null && this.linux.signalCode === null)
      await sleep(50);
    // The kernel's own process may still hold its disks, which the next one would find locked.
    while (spawnSync("pgrep", ["--full", `ubd0=${this.dir}/`]).status === 0) await sleep(50);
  }

  /** A snapshot of the data disk as it is at this moment, as its provider takes one: a file of the caller's. */
  async snapshot(): Promise<string> {
    const file = join(this.dir, `snapshot-${++this.snapshots}.img`);
    const signal = (name: string) => execFileSync(here("signal.sh"), [name, `${this.linux?.pid}`]);
    signal("STOP");
    try {
      copyDisk(join(this.dir, "data.img"), file);
    } finally {
      signal("CONT");
    }
    return file;
  }

  /** Until startup.sh has applied what is delivered, tried again by itself or not; seconds since power came on. */
  async applied(withinSeconds = 600): Promise<number> {
    for (;;) {
      const { guest } = await this.observed();
      if (guest.applied) return this.seconds;
      if (this.seconds > withinSeconds)
        throw new Error(
          `not applied after ${this.seconds} s: ${JSON.stringify(guest)}\n${this.serial.slice(-4000)}`,
        );
      if (guest.error) this.errors.add(guest.error);
      await sleep(200);
    }
  }

  /** Runs a command line on the machine; throws when it fails. */
  async sh(command: string, input = ""): Promise<string> {
    const line = Buffer.from(command).toString("base64");
    const dial = `TCP:${address}:2222,connect-timeout=10`;
    const output = await this.outside(["socat", "-t", "600", "-", dial], `${line}\n${input}`);
    const [, said = "", status] = /^([\s\S]*)status (\d+)\n$/.exec(output) ?? [];
    if (status !== "0") throw new Error(`${command}\n${output}`);
    return said;
  }

  /** Runs a command where the machine's network card leads to. */
  private async outside(command: string[], input: string): Promise<string> {
    const run = promisify(execFile)("nsenter", [...netOf(this.beyond), ...command], {
      maxBuffer: 1e8,
    });
    run.child.stdin?.end(input);
    return (await run).stdout;
  }

  /** A client where the machine's network card leads to; whoever starts it ends it. */
  client() {
    return clientBeyond(this.beyond, address, this.certificate.ca);
  }

  /** Takes the metadata server out of the machine's reach, or gives it back. */
  async metadataAway(away: boolean) {
    const change = away ? "del" : "add";
    await this.outside(["ip", "address", change, "169.254.169.254/32", "dev", "lo"], "");
  }

  /** What the shipped probe says of the gate, asked from outside: 0 accepted, 1 refused, 2 not reached. */
  async probe(key: string): Promise<number> {
    const file = join(this.dir, "gate-ca.pem");
    writeFileSync(file, this.certificate.ca);
    const probe = join(__dirname, "../../infra/gate/probe.sh");
    const line = `${probe} ${host}:4317 ${file} ${address} 2>/dev/null && echo 0 || echo $?`;
    return Number(await this.outside(["bash", "-c", line], key));
  }

  async stop() {
    await this.cut();
    this.leaveSurroundings();
    this.beyond.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const copyDisk = (from: string, to: string) => execFileSync("cp", ["--sparse=always", from, to]);
const netOf = (holder: ChildProcess) => [`--net=/proc/${holder.pid}/ns/net`];
