import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { Machine, machineMissing } from "./machine/machine";
import { defaultMemory } from "./machine/memory";

const here = join(__dirname, "vmParts");
const text = (name: string) => readFileSync(join(here, name), "utf8");
const missing = machineMissing();
const suite = missing ? describe.skip : describe;
const because = missing && ` (${missing})`;

suite(`what a boot takes in${because}`, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.start();
    machine.files["provision.sh"] = text("provision.sh");
    await machine.deliver();
  });
  afterAll(() => machine.stop());
  beforeEach(() => machine.forget());

  it("packages: those that are missing, again and again until the archive answers", async () => {
    for (const name of ["dpkg-query", "apt-get"])
      machine.install(`/usr/local/bin/${name}`, text(`${name}.sh`));
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
    const asked = (machine.read("/recorded/apt") ?? "")
      .split("\n")
      .filter((line) => line.startsWith("install"));
    expect(asked).toHaveLength(3);
    expect(asked[0]).toMatch(/ --no-install-recommends .* jq$/);
    machine.sh(
      "rm -f /recorded/installed /recorded/apt; cat >/usr/local/bin/apt-get",
      "#!/bin/sh\nexit 100\n",
    );
    expect((await machine.startup({ patience: 1 })).status).toBe(1);
    expect((await machine.observed()).guest).toMatchObject({
      stage: "packages failed",
      error: expect.stringMatching(/could not install jq from Debian's archive/),
    });
    machine.sh("rm /usr/local/bin/dpkg-query /usr/local/bin/apt-get");
  });

  it("content: with credentials and channel secrets in files", async () => {
    machine.content = '{"dashboards":[]}';
    machine.settings.secrets.alerts = "projects/p/secrets/monitoring-alerts-secret-dev/versions/1";
    await machine.deliver({
      ...machine.secrets(),
      [machine.settings.secrets.alerts]: '{"slackWebhookUrl":"https://hooks.test/x"}',
    });
    expect((await machine.startup()).status).toBe(0);
    expect(machine.read("/recorded/provision")).toBe(
      "/var/lib/monitoring/content\n/var/lib/monitoring/secrets/admin.json\nhttp://127.0.0.1:8080\n/mnt/monitoring/content-state.json\n/var/lib/monitoring/secrets/alerts.json\n",
    );
    const admin = JSON.stringify(
      { email: "admin@example.com", password: 'Admin$1`"quoted"\\ #x' },
      null,
      2,
    );
    expect(machine.read("/recorded/provisioned")).toBe(
      `{"dashboards":[]}${admin}\n{"slackWebhookUrl":"https://hooks.test/x"}`,
    );
  });

  it("content: its failure is told and tried again, and until then the version does not count as applied", async () => {
    machine.content = '{"dashboards":[1]}';
    machine.sh("echo 1 >/recorded/fail-content");
    const digest = await machine.deliver();
    expect((await machine.startup()).status).toBe(1);
    const { guest } = await machine.observed();
    expect(guest).toMatchObject({
      stage: "content failed",
      error: expect.stringMatching(/telemetry is accepted all the same/),
    });
    expect(guest.applied).toBeUndefined();
    machine.sh("rm /recorded/fail-content");
    expect((await machine.startup()).status).toBe(0);
    expect((await machine.observed()).guest).toEqual({ stage: "content done", applied: digest });
  });

  it("organisation: keeps its first name, by which SigNoz finds its members and dashboards again", async () => {
    const named = async (org: string) => {
      machine.settings.org = org;
      await machine.deliver();
      const run = await machine.startup();
      expect(run, run.output).toMatchObject({ status: 0 });
      return /^ORG=.*$/m.exec(machine.read("/var/lib/monitoring/files/compose.env") ?? "")?.[0];
    };
    machine.sh("rm -f /mnt/monitoring/organisation");
    expect(await named("first")).toBe('ORG="first"');
    expect(await named("second")).toBe('ORG="first"');
  });

  it("alert mails: by SigNoz' own variables, the password from its secret", async () => {
    machine.settings.smtp = {
      host: "smtp.test:587",
      from: "signoz@example.com",
      user: "signoz",
      requireTls: true,
    };
    const alerts = machine.settings.secrets.alerts as string;
    await machine.deliver({
      ...machine.secrets(),
      [alerts]: JSON.stringify({ smtpPassword: 'p$w"d' }),
    });
    expect((await machine.startup()).status).toBe(0);
    const lines = (machine.read("/var/lib/monitoring/secrets/signoz.env") ?? "")
      .split("\n")
      .filter((line) => line.includes("SMTP"));
    const name = (what: string) => `SIGNOZ_ALERTMANAGER_SIGNOZ_GLOBAL_SMTP__${what}`;
    expect(lines).toEqual([
      `${name("SMARTHOST")}="smtp.test:587"`,
      `${name("FROM")}="signoz@example.com"`,
      `${name("REQUIRE__TLS")}="true"`,
      `${name("AUTH__USERNAME")}="signoz"`,
      `${name("AUTH__PASSWORD")}="p\\$w\\0042d"`,
    ]);
  });

  describe("histogramQuantile", () => {
    const archive = execFileSync("tar", ["-C", here, "-czf", "-", "histogram-quantile"]);
    const sha256 = createHash("sha256").update(archive).digest("hex");
    const target = "/var/lib/monitoring/user_scripts/histogramQuantile";

    it.each([
      ["an archive that is not there", "", sha256],
      ["an archive with another checksum", archive.toString("base64"), "0".repeat(64)],
    ])("%s is told, and is not fatal", async (_, served, expected) => {
      machine.settings.histogramQuantile = {
        url: "http://127.0.0.1:8080/archive.tar.gz",
        sha256: expected,
      };
      await machine.deliver();
      await machine.surround({ archive: served });
      expect((await machine.startup({ patience: 2 })).status).toBe(0);
      expect((await machine.observed()).guest.notice).toMatch(
        /percentiles of classic histograms will not work/,
      );
      expect(machine.read(target)).toBeNull();
    });

    it("is fetched once, by its checksum", async () => {
      machine.settings.histogramQuantile = { url: "http://127.0.0.1:8080/archive.tar.gz", sha256 };
      await machine.deliver();
      await machine.surround({ archive: archive.toString("base64") });
      expect((await machine.startup()).status).toBe(0);
      expect(
        machine.sh(
          `cd ${dirname(target)}; setpriv --reuid 101 --regid 101 --clear-groups ./${basename(target)}`,
        ),
      ).toBe("0.5\n");
      expect((await machine.observed()).guest.notice).toBeUndefined();
      await machine.surround({ archive: "" });
      const again = await machine.startup();
      expect(again.output).not.toContain("notice=");
    });
  });

  it("memory: ClickHouse gets what front and collector leave of an 8 GB machine; a smaller one is refused", async () => {
    machine.setMemory(defaultMemory.machine);
    expect((await machine.startup()).status).toBe(0);
    const env = machine.read("/var/lib/monitoring/files/compose.env") ?? "";
    for (const service of ["front", "collector", "clickhouse"] as const)
      expect(env).toContain(`\n${service.toUpperCase()}_MEMORY_MIB=${defaultMemory[service]}\n`);
    expect(env).toContain(
      `CLICKHOUSE_MAX_MEMORY_BYTES=${Math.floor((defaultMemory.clickhouse * 1024 * 1024 * 9) / 10)}\n`,
    );
    // As another kernel, or the next boot, shows it.
    machine.setMemory(7929);
    expect((await machine.startup()).output).toContain("services=unchanged");
    machine.setMemory(3900);
    expect((await machine.startup()).status).toBe(1);
    expect((await machine.observed()).guest.error).toMatch(
      /has 3900 MiB of memory; SigNoz needs 6827/,
    );
    machine.sh("umount /proc/meminfo");
  });
});

suite(`what the gate tells of its machine${because}`, () => {
  it("is how full the data disk is, seen through the queue's mount", async () => {
    const machine = await Machine.start();
    onTestFinished(() => machine.stop());
    expect((await machine.startup()).status).toBe(0);
    machine.sh("fallocate -l 100M /mnt/monitoring/fill");
    const utilization = () => {
      const lines = (machine.read("/tmp/self.jsonl") ?? "").trim().split("\n");
      const metrics = lines
        .flatMap((line) => JSON.parse(line || "{}").resourceMetrics ?? [])
        .flatMap(({ scopeMetrics }) =>
          scopeMetrics.flatMap((scope: { metrics: unknown[] }) => scope.metrics),
        );
      return metrics
        .filter(({ name }) => name === "system.filesystem.utilization")
        .flatMap(({ gauge }) => gauge.dataPoints)
        .map((point) => [
          point.attributes.find(({ key }: { key: string }) => key === "mountpoint").value
            .stringValue,
          point.asDouble,
        ]);
    };
    // The second collection comes a minute later; the first one, a second after the start.
    machine.sh("docker stop monitoring-collector-1; docker start monitoring-collector-1");
    await expect.poll(() => utilization().at(-1)?.[1], { timeout: 20_000 }).toBeGreaterThan(0.4);
    const [mountpoint, used] = utilization().at(-1) as [string, number];
    expect(mountpoint).toBe("/var/lib/otelcol");
    expect(used).toBeLessThan(0.5);
  });
});

suite(`a disk from a snapshot${because}`, () => {
  it("taken while it was written to, larger and on a new machine, comes up with its data", async () => {
    const machine = await Machine.start(128);
    onTestFinished(() => machine.stop());
    expect((await machine.startup()).status).toBe(0);
    machine.sh("for i in $(seq 200); do echo row $i >/mnt/monitoring/clickhouse/part-$i; done");
    const rows = () => machine.sh("cat /mnt/monitoring/clickhouse/part-* | sort");
    const before = rows();
    machine.sh(
      "sync; (for i in $(seq 2000); do echo later >/mnt/monitoring/clickhouse/later-$i; done) 9>&- &",
    );
    const snapshot = machine.snapshot();
    const successor = await Machine.start(512, snapshot);
    onTestFinished(() => successor.stop());
    const run = await successor.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(successor.sh("cat /mnt/monitoring/clickhouse/part-* | sort")).toBe(before);
    expect(Number(successor.sh("df --output=size -m /mnt/monitoring | tail -n 1"))).toBeGreaterThan(
      450,
    );
    expect(successor.probe("shared-key-1")).toBe(0);
  });
});
