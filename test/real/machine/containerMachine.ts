import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { signozExporters } from "../parts/collector";
import { haproxy } from "../parts/haproxy";
import { imageParts } from "../parts/imageParts";
import { pipelinesEnding } from "../pipelines";
import { host } from "./delivered";
import { Machine } from "./machine";
import { enter, mayResizeOnline } from "./namespace";

const images = join(__dirname, "images");
const shipped = join(__dirname, "../../../infra");
/** Beyond the machine's network card. */
const outside = "10.0.0.1";
export const address = "10.0.0.2";

export const services = ["keeper", "clickhouse", "signoz", "collector", "front"] as const;
export type Service = (typeof services)[number];

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
        : end === "unkept"
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
  private beyond!: ChildProcess;
  private listeners!: ChildProcess;
  private daemon!: ChildProcess;

  static override async start(): Promise<ContainerMachine> {
    const machine = new ContainerMachine(...(await Machine.parts()));
    // The kernel raises a hard limit for CAP_SYS_RESOURCE only, which a sandbox may lack.
    const files = Number(execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }));
    if (files < 262_144 && !mayResizeOnline())
      machine.files["compose.yaml"] = (machine.files["compose.yaml"] ?? "").replaceAll(
        "262144",
        `${files}`,
      );
    return machine.begin(512).catch(async (error) => {
      // What was never up cannot be ended, which must not hide why.
      await machine.stop().catch(() => {});
      throw error;
    });
  }

  protected override async connect() {
    this.beyond = spawn("unshare", ["--net", "sleep", "7200"], { stdio: "ignore" });
    await sleep(200);
    enter(this.holder, [
      "sh",
      "-euc",
      `
      ip link set lo up
      ip link add eth0 type veth peer name eth0 netns ${this.beyond.pid}
      ip address add ${address}/24 dev eth0; ip address add fd00::2/64 dev eth0 nodad
      ip link set eth0 up; ip route add default via ${outside}; ip -6 route add default via fd00::1`,
    ]);
    this.onTheOutside(`
      ip link set lo up
      ip address add ${outside}/24 dev eth0; ip address add fd00::1/64 dev eth0 nodad; ip link set eth0 up
      for one in 169.254.169.254/32 203.0.113.7/32 fd20:ce::254/128 2001:db8::7/128; do ip address add $one dev lo; done
      ip route add 172.16.0.0/12 via ${address}`);
    const open = [
      "169.254.169.254:53",
      "203.0.113.7:587",
      "203.0.113.7:443",
      "fd20:ce::254:80",
      "2001:db8::7:587",
    ];
    this.listeners = spawn(
      "nsenter",
      [
        `--net=/proc/${this.beyond.pid}/ns/net`,
        process.execPath,
        "-e",
        "for (const one of process.argv.slice(1)) { const [, host, port] = /(.*):(.*)/.exec(one); require('net').createServer((socket) => socket.end()).listen(port, host) }",
        ...open,
      ],
      { stdio: "ignore" },
    );
    return { pid: this.beyond.pid as number, address: outside };
  }

  protected override async installDocker(root: string) {
    const [data, parts] = [join(this.dir, "docker"), await imageParts()];
    mkdirSync(data);
    enter(
      this.holder,
      [
        "sh",
        "-euc",
        `
      cd ${root}
      mkdir -p dev/pts var/lib/docker etc/docker context host .${this.dir}
      mknod -m 666 dev/tty c 5 0; mknod -m 666 dev/full c 1 7
      mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666; ln -s pts/ptmx dev/ptmx
      mount --bind ${data} var/lib/docker
      echo 'nameserver 169.254.169.254' >etc/resolv.conf
      echo '${address} ${host}' >>etc/hosts
      cp ${shipped}/vm/files/docker-daemon.json etc/docker/daemon.json
      cp -r ${parts}/. ${images}/Dockerfile ${images}/signoz-otel-collector context
      cp ${await signozExporters()} context/otelcol
      cp -r $(dirname ${await haproxy()}) context/haproxy
      cat >context/override.yaml
      # A chroot would not do: what docker exec runs would find itself outside of its container.
      ln -s / .${root}
      pivot_root . host
      umount --lazy /host`,
      ],
      stringify(override),
    );
    await this.startDocker();
    this.sh("docker import - debian </context/debian.tar >/dev/null; rm /context/debian.tar");
    for (const [target, name] of Object.entries(this.settings.images))
      this.sh(
        `DOCKER_BUILDKIT=0 docker build --network none --quiet --target ${target} --tag ${name} /context >/dev/null`,
      );
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
    this.sh(
      "for i in $(seq 60); do docker info >/dev/null 2>&1 && exit 0; sleep 0.5; done; exit 1",
    );
  }

  /** Ends the daemon as a stop of its service does: with live-restore the containers stay. */
  async stopDocker() {
    this.daemon.kill("SIGTERM");
    for (let i = 0; i < 100 && this.daemon.exitCode === null; i++) await sleep(100);
    if (this.daemon.exitCode === null) this.daemon.kill("SIGKILL");
  }

  /** Runs a command line where the machine's network card leads to; throws when it fails. */
  onTheOutside(command: string, input = ""): string {
    return enter(this.beyond, ["bash", "-euc", command], input);
  }

  /** What the shipped probe says of the gate, asked from outside by its name's address: 0 accepted, 1 refused, 2 not reached. */
  override probe(key: string, ca = this.certificate.ca): number {
    const file = join(this.dir, "gate-ca.pem");
    this.onTheOutside(`cat >${file}`, ca);
    const probe = join(shipped, "gate/probe.sh");
    return Number(
      this.onTheOutside(
        `${probe} ${host}:4317 ${file} ${address} 2>/dev/null && echo 0 || echo $?`,
        key,
      ),
    );
  }

  /** Runs a command line in a service's container as its user; its output and exit status. */
  within(service: Service, command: string, shell = "sh"): { status: number; output: string } {
    const output = this.sh(
      `docker exec monitoring-${service}-1 ${shell} -c "$(cat)" 2>&1 </dev/null || echo "status $?"`,
      command,
    );
    const status = Number(/status (\d+)\n$/.exec(output)?.[1] ?? 0);
    return { status, output };
  }

  /** A Go template's answer about a service's container. */
  inspect(service: Service, format: string): string {
    return this.sh(`docker inspect --format '${format}' monitoring-${service}-1`).trim();
  }

  protected override async end() {
    if (this.daemon?.exitCode !== null) await this.startDocker();
    this.sh(
      'ids=$(docker ps --quiet); [ -z "$ids" ] || timeout 60 docker kill $ids >/dev/null 2>&1 || true',
    );
    await this.stopDocker();
    this.sh("! mountpoint -q /mnt/monitoring || umount -l /mnt/monitoring");
    this.listeners?.kill("SIGKILL");
    this.beyond?.kill("SIGKILL");
  }
}
