import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Machine, machineMissing } from "./machine/machine";

const here = (name: string) => join(__dirname, "vmBoot", name);
const missing = machineMissing();
const suite = missing ? describe.skip : describe;
const because = missing && ` (${missing})`;
const stages = [
  "packages",
  "metadata",
  "disk",
  "docker",
  "secrets",
  "images",
  "services",
  "gate",
  "content",
];

suite(`a first boot on Debian 13${because}`, () => {
  let machine: Machine;
  let digest: string;
  beforeAll(async () => {
    machine = await Machine.start();
    digest = await machine.deliver();
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
  });
  afterAll(() => machine.stop());

  it("passes its stages in order and reports what it applied", async () => {
    const { guest, stages: reported } = await machine.observed();
    expect(reported).toEqual(stages.flatMap((stage) => [`${stage} running`, `${stage} done`]));
    expect(guest).toEqual({ stage: "content done", applied: digest });
  });

  it("pulls what is pinned, then brings everything up once", () => {
    expect(machine.docker()).toEqual([
      "pull --quiet clickhouse/clickhouse-keeper:25.12.5",
      "pull --quiet clickhouse/clickhouse-server:25.12.5",
      "pull --quiet haproxy:3.2.26",
      "pull --quiet signoz/signoz-otel-collector:v0.144.7",
      "pull --quiet signoz/signoz:v0.138.0",
      "compose up --detach --remove-orphans",
    ]);
  });

  it("opens the gate for its keys only", () => {
    expect(machine.probe("shared-key-1")).toBe(0);
    expect(machine.probe("first.last.5e3f0b61c2")).toBe(0);
    for (const key of ["", "shared-key-2", "shared-key"]) expect(machine.probe(key)).toBe(1);
  });

  it("writes keys and their owners for the front's eyes only", () => {
    expect(machine.read("/var/lib/monitoring/gate/keys.map")).toBe(
      "first.last.5e3f0b61c2 first.last\nshared-key-1 -\n",
    );
    expect(
      machine.sh(
        "stat -c '%a %u %n' /var/lib/monitoring/gate/* /var/lib/monitoring /var/lib/monitoring/secrets",
      ),
    ).toBe(
      [
        "400 10002 /var/lib/monitoring/gate/keys.map",
        "400 10002 /var/lib/monitoring/gate/tls.pem",
        "700 0 /var/lib/monitoring",
        "700 0 /var/lib/monitoring/secrets",
        "",
      ].join("\n"),
    );
  });

  it("hands passwords to the containers as they are, whatever characters they hold", () => {
    const project = "/var/lib/monitoring/files";
    const config = JSON.parse(
      machine.sh(
        `/usr/bin/docker compose --project-directory ${project} --file ${project}/compose.yaml --env-file ${project}/compose.env config --format json`,
      ),
    );
    const unescaped = (text: string) => text.replaceAll("$$", "$");
    expect(unescaped(config.services.signoz.environment.SIGNOZ_USER_ROOT_PASSWORD)).toBe(
      'Admin$1`"quoted"\\ #x',
    );
    expect(config.services.collector.environment.CLICKHOUSE_PASSWORD).toBe("collectorPassword1");
  });

  it("shows no secret in an argument, a log line or a guest attribute", async () => {
    const seen = [
      ...["curl", "docker", "systemd"].map((name) => machine.read(`/recorded/${name}`) ?? ""),
      JSON.stringify((await machine.observed()).guest),
      (await machine.startup()).output,
    ].join("\n");
    const secrets = [
      ...Object.values(machine.secrets()),
      "ya29.token-of-the-machine",
      "PRIVATE KEY",
    ];
    for (const secret of secrets) expect(seen).not.toContain(secret);
  });

  it("does nothing when run again: same files, same gate, no word to Docker", async () => {
    const everything = () =>
      machine.sh(
        "find /var/lib/monitoring /etc/systemd/system /etc/fstab /etc/docker /etc/apt/apt.conf.d -type f ! -name lock ! -path '*/previous/*' -printf '%p %m %u %i\\n' | grep -v -E 'files/|/(digest|applied|content|settings.json|fsck.log|hashes.next) ' | sort",
      );
    const before = [everything(), machine.gatePid()];
    await machine.forget();
    expect((await machine.startup()).status).toBe(0);
    expect(machine.docker()).toEqual([]);
    expect([everything(), machine.gatePid()]).toEqual(before);
  });

  it("keeps the data over a reboot, and takes a disk that has grown", async () => {
    machine.sh("echo kept >/mnt/monitoring/clickhouse/data");
    machine.reboot();
    machine.growDisk(512);
    // As Docker does by itself, once the disk is mounted.
    machine.sh("docker start monitoring-collector-1 || true");
    expect((await machine.startup()).status).toBe(0);
    expect(machine.read("/mnt/monitoring/clickhouse/data")).toBe("kept\n");
    expect(Number(machine.sh("df --output=size -m /mnt/monitoring | tail -n 1"))).toBeGreaterThan(
      450,
    );
  });

  it("brings up what Docker has not brought back", async () => {
    machine.reboot();
    await machine.forget();
    expect((await machine.startup()).status).toBe(0);
    expect(machine.docker()).toEqual(["compose up --detach --remove-orphans"]);
    expect(machine.probe("shared-key-1")).toBe(0);
  });

  it("keeps Docker off the boot disk: no data disk, no Docker at the next boot", () => {
    expect(machine.read("/etc/systemd/system/docker.service.d/monitoring.conf")).toContain(
      "RequiresMountsFor=/mnt/monitoring",
    );
    expect(machine.read("/etc/fstab")).toBe(
      "/dev/disk/by-id/google-monitoring-data /mnt/monitoring ext4 defaults,discard,nofail,x-systemd.device-timeout=90s 0 2\n",
    );
  });

  it("installs units that Debian's systemd finds nothing to say about", () => {
    expect(
      machine.sh(
        "systemd-analyze verify /etc/systemd/system/monitoring-*.service /etc/systemd/system/monitoring-*.timer /lib/systemd/system/docker.service 2>&1 | grep -i -E 'monitoring|RequiresMounts' || true",
      ),
    ).toBe("");
  });

  it("publishes nothing but the gate and SigNoz", () => {
    const project = "/var/lib/monitoring/files";
    const config = JSON.parse(
      machine.sh(
        `/usr/bin/docker compose --project-directory ${project} --file ${project}/compose.yaml --env-file ${project}/compose.env config --format json`,
      ),
    );
    const ports = Object.entries<{ ports?: { published: string; target: number }[] }>(
      config.services,
    ).flatMap(([name, service]) =>
      (service.ports ?? []).map((port) => `${name} ${port.published}:${port.target}`),
    );
    expect(ports.sort()).toEqual(["front 4317:4317", "signoz 8080:8080"]);
  });
});

suite(`a boot that is killed${because}`, () => {
  it("at every stage, one after the other, comes up in the end", async () => {
    const machine = await Machine.start();
    onTestFinished(() => machine.stop());
    for (const stage of stages) {
      const run = await machine.startup({ killAt: `${stage} running` });
      expect([stage, run.status], run.output).toEqual([stage, null]);
    }
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(machine.probe("shared-key-1")).toBe(0);
  });

  it("in the middle of mkfs formats again, since the disk was blank before", async () => {
    const machine = await Machine.start();
    onTestFinished(() => machine.stop());
    machine.install("/usr/local/bin/mkfs.ext4", readFileSync(here("mkfs-cut.sh"), "utf8"));
    expect((await machine.startup()).status).not.toBe(0);
    machine.sh("rm /usr/local/bin/mkfs.ext4");
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
  });
});

suite(`a data disk${because}`, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.start(64);
  });
  afterAll(() => machine.stop());
  const fails = async (words: RegExp) => {
    await machine.forget();
    const run = await machine.startup();
    const { guest } = await machine.observed();
    expect([run.status, guest.stage], run.output).toEqual([1, "disk failed"]);
    expect(guest.error).toMatch(words);
    expect(guest.applied).toBeUndefined();
    expect(machine.docker()).toEqual([]);
    expect(machine.sh("ls -A /mnt")).toBe("");
  };
  const content = () => machine.sh(`sha256sum ${machine.disk}`);

  it("that is missing stops the boot; nothing goes to the boot disk in its place", async () => {
    machine.detachDisk();
    await fails(/google-monitoring-data is not attached/);
    machine.reattachDisk();
  });

  it.each([
    ["another file system", "mkfs.ext2 -q", /holds ext2, not ext4/],
    ["swap", "mkswap -q", /holds swap, not ext4/],
    ["a partition table", "printf '\\125\\252' | dd status=none bs=1 seek=510 of=", /is not blank/],
    [
      "bytes that nothing recognises",
      "head -c 4096 /dev/urandom | dd status=none seek=100 of=",
      /is not blank/,
    ],
  ])("with %s is not touched", async (_, command, words) => {
    machine.sh(
      `head -c 64M /dev/zero >${machine.disk}; ${command}${command.endsWith("=") ? "" : " "}${machine.disk}`,
    );
    const before = content();
    await fails(words);
    expect(content()).toBe(before);
  });

  it("that was formatted by an earlier machine keeps its data", async () => {
    machine.run(here("earlier-machine.sh"), machine.disk);
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(machine.read("/mnt/monitoring/kept")).toBe("old\n");
  });
});

suite(`secrets${because}`, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.start();
  });
  afterAll(() => machine.stop());
  const fails = async (words: RegExp) => {
    await machine.forget();
    const run = await machine.startup({ patience: 1 });
    const { guest } = await machine.observed();
    expect([run.status, guest.stage], run.output).toEqual([1, "secrets failed"]);
    expect(guest.error).toMatch(words);
    expect(machine.docker()).toEqual([]);
    return run;
  };
  const names = ["ingestionKeys", "engineerKeys", "tls", "clickhouse", "signozAdmin"] as const;
  const versionOf = (name: (typeof names)[number]) =>
    [machine.settings.secrets[name]].flat()[0] as string;

  it.each(names)(
    "%s missing: the boot stops before anything is written, and names it",
    async (name) => {
      const { [versionOf(name)]: _, ...rest } = machine.secrets();
      await machine.deliver(rest);
      const run = await fails(new RegExp(`${versionOf(name)} cannot be read`));
      expect(run.output).toContain("NOT_FOUND");
      expect(machine.read("/var/lib/monitoring/gate/keys.map")).toBeNull();
    },
  );

  it("a refused token stops the boot", async () => {
    await machine.surround({
      secrets: machine.secrets(),
      faults: { token: { status: 403, times: 99 } },
    });
    await fails(/cannot be read/);
    await machine.surround({ faults: {} });
  });

  it.each([
    ["ingestionKeys", "two\nlines-of-key", /not an ingestion key/],
    ["ingestionKeys", "with blank", /versions\/\d+ is not an ingestion key \(8 or more/],
    ["ingestionKeys", "# comment", /versions\/\d+ is not an ingestion key \(8 or more/],
    ["ingestionKeys", "\r\n", /not an ingestion key|is empty/],
    ["ingestionKeys", "", /is empty/],
    ["clickhouse", "a@b:c", /JSON \{signoz, collector, migrator\}/],
    ["clickhouse", '{"signoz":"a@b:c"}', /letters and digits/],
    ["tls", "no certificate", /is not for gate.test/],
  ] as const)("%s = %j is refused before it does harm", async (name, payload, words) => {
    await machine.deliver({ ...machine.secrets(), [versionOf(name)]: payload });
    const { output } = await fails(words);
    if (payload.trim()) expect(output).not.toContain(payload);
    expect(machine.read("/var/lib/monitoring/gate/keys.map")).toBeNull();
  });

  it("errors of the API that pass are sat out", async () => {
    await machine.deliver(machine.secrets());
    await machine.surround({
      faults: {
        secrets: { status: 500, times: 2 },
        metadata: { status: 503, times: 1 },
        token: { status: 500, times: 1 },
      },
    });
    const run = await machine.startup({ patience: 10 });
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(run.output).toContain("INTERNAL fault 500");
  });

  it("once running, a secret that cannot be read changes nothing that runs", async () => {
    const before = machine.gatePid();
    machine.settings.secrets.ingestionKeys = [
      ...machine.settings.secrets.ingestionKeys,
      "projects/p/secrets/k/versions/9",
    ];
    await machine.deliver();
    await fails(/versions\/9 cannot be read/);
    expect(machine.gatePid()).toBe(before);
    expect(machine.probe("shared-key-1")).toBe(0);
  });
});
