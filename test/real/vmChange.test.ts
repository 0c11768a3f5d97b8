import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { issueCertificate } from "../../simulator/certificate";
import { host } from "./machine/delivered";
import { Machine, machineMissing } from "./machine/machine";

const missing = machineMissing();
const suite = missing ? describe.skip : describe;
const because = missing && ` (${missing})`;
const version = (what: string, number: number) =>
  `projects/p/secrets/monitoring-${what}-secret-dev/versions/${number}`;

suite(`a change of the metadata${because}`, () => {
  let machine: Machine;
  let watcher: ChildProcess;
  let secrets: Record<string, string>;
  beforeAll(async () => {
    machine = await Machine.start();
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
    secrets = machine.secrets();
    watcher = machine.watch();
  });
  afterAll(async () => {
    process.kill(-(watcher.pid as number), "SIGKILL");
    await machine.stop();
  });
  beforeEach(() => machine.forget());

  /** Delivers and waits until the watcher has applied it, or has failed at it. */
  async function apply(): Promise<{ stage: string; error?: string }> {
    await machine.forget();
    const digest = await machine.deliver(secrets);
    await expect
      .poll(
        async () => {
          const { guest } = await machine.observed();
          return (
            guest.stage?.endsWith("failed") ||
            (guest.applied === digest && guest.stage === "content done")
          );
        },
        { timeout: 60_000, interval: 200 },
      )
      .toBe(true);
    const { stage = "", error } = (await machine.observed()).guest;
    return { stage, ...(error && { error }) };
  }
  const applied = { stage: "content done" };

  it("a second generation of the key: both are accepted, nothing was restarted", async () => {
    const gate = machine.gatePid();
    machine.settings.secrets.ingestionKeys.push(version("signoz-ingestion-key", 2));
    secrets[version("signoz-ingestion-key", 2)] = "shared-key-2";
    expect(await apply()).toEqual(applied);
    expect([machine.probe("shared-key-1"), machine.probe("shared-key-2")]).toEqual([0, 0]);
    expect(machine.read("/var/lib/monitoring/gate/keys.map")).toBe(
      "first.last.5e3f0b61c2 first.last\nshared-key-1 -\nshared-key-2 -\n",
    );
    expect([machine.docker(), machine.gatePid()]).toEqual([[], gate]);
  });

  it("the first generation taken out: refused, nothing was restarted", async () => {
    const gate = machine.gatePid();
    machine.settings.secrets.ingestionKeys.shift();
    expect(await apply()).toEqual(applied);
    expect([machine.probe("shared-key-1"), machine.probe("shared-key-2")]).toEqual([1, 0]);
    expect([machine.docker(), machine.gatePid()]).toEqual([[], gate]);
  });

  it("an engineer's key revoked: refused, nothing was restarted", async () => {
    machine.settings.secrets.engineerKeys = [];
    expect(await apply()).toEqual(applied);
    expect([machine.probe("first.last.5e3f0b61c2"), machine.probe("shared-key-2")]).toEqual([1, 0]);
    expect(machine.docker()).toEqual([]);
  });

  it("a renewed certificate: served without a restart", async () => {
    const gate = machine.gatePid();
    const renewed = await issueCertificate([host]);
    machine.settings.secrets.tls = version("tls", 2);
    secrets[version("tls", 2)] = renewed.pem;
    expect(await apply()).toEqual(applied);
    expect([machine.probe("shared-key-2", renewed.ca), machine.probe("shared-key-2")]).toEqual([
      0, 2,
    ]);
    expect([machine.docker(), machine.gatePid()]).toEqual([[], gate]);
  });

  it.each<[string, () => void, string[]]>([
    [
      "the collector's configuration restarts the collector only",
      () => (machine.files["otel-collector.yaml"] += "\n# changed\n"),
      ["compose up --detach --no-deps collector"],
    ],
    [
      "what the gate lets through restarts the collector only",
      () => (machine.files["processors.yaml"] += "\n"),
      ["compose up --detach --no-deps collector"],
    ],
    [
      "a version of SigNoz is pulled first and recreates SigNoz only",
      () => (machine.settings.images.signoz = "signoz/signoz:v0.139.0"),
      ["pull --quiet signoz/signoz:v0.139.0", "compose up --detach --no-deps signoz"],
    ],
    [
      "a version of the collector is pulled first, and its migrations run before it",
      () => (machine.settings.images.collector = "signoz/signoz-otel-collector:v0.144.9"),
      [
        "pull --quiet signoz/signoz-otel-collector:v0.144.9",
        "compose up --detach --remove-orphans",
      ],
    ],
    [
      "a version of ClickHouse is pulled first, and everything follows in order",
      () => (machine.settings.images.clickhouse = "clickhouse/clickhouse-server:25.12.6"),
      ["pull --quiet clickhouse/clickhouse-server:25.12.6", "compose up --detach --remove-orphans"],
    ],
    [
      "ClickHouse's settings recreate it in order",
      () => (machine.files["clickhouse/config.xml"] += "<!-- changed -->\n"),
      ["compose up --detach --remove-orphans"],
    ],
    [
      "alert mails restart SigNoz only",
      () =>
        (machine.settings.smtp = {
          host: "smtp.test:587",
          from: "a@b.test",
          user: "u",
          requireTls: true,
        }),
      ["compose up --detach --no-deps signoz"],
    ],
  ])("%s", async (_, change, told) => {
    change();
    expect(await apply()).toEqual(applied);
    expect(machine.docker()).toEqual(told);
  });

  it("none, but SigNoz has started anew: its content is put back at the next look", async () => {
    const signozStarted = () => machine.read("/var/lib/monitoring/signoz-started")?.trim();
    expect(signozStarted()).toBe("2026-11-25T08:00:00Z");
    machine.sh("echo 2026-11-25T09:00:00Z >/recorded/signoz-started");
    expect(await apply()).toEqual(applied);
    await expect.poll(signozStarted, { timeout: 20_000 }).toBe("2026-11-25T09:00:00Z");
    expect(machine.docker()).toEqual([]);
  });

  it("a new startup script is what applies, and what keeps watch", async () => {
    machine.files["startup.sh"] += "# the next version\n";
    expect(await apply()).toEqual(applied);
    expect(machine.read("/var/lib/monitoring/startup.sh")).toContain("# the next version");
  });

  describe("that fails", () => {
    it("to be pulled leaves what runs, and heals by itself", async () => {
      const gate = machine.gatePid();
      machine.sh("echo 9 >/recorded/fail-pull");
      machine.settings.images.signoz = "signoz/signoz:v0.140.0";
      expect(await apply()).toEqual({
        stage: "images failed",
        error: expect.stringMatching(
          /^image signoz\/signoz:v0.140.0 could not be pulled .* left running$/,
        ),
      });
      expect(machine.gatePid()).toBe(gate);
      machine.sh("echo 0 >/recorded/fail-pull");
      // What any further change, or the watcher's own next try within five minutes, does.
      machine.files["auto-upgrades.conf"] += "// changed\n";
      expect(await apply()).toEqual(applied);
      expect(machine.docker()).toEqual([
        "pull --quiet signoz/signoz:v0.140.0",
        "compose up --detach --no-deps signoz",
      ]);
    });

    it("to come up goes back to the version before, and is not tried twice", async () => {
      machine.sh("echo 1 >/recorded/fail-up");
      machine.files["exporters.yaml"] += "# broken\n";
      const failed = await apply();
      expect(failed).toEqual({
        stage: "services failed",
        error: expect.stringMatching(
          /did not come up \(all containers run, but .*\); the previous one runs/,
        ),
      });
      expect(machine.docker()).toEqual([
        "compose up --detach --no-deps collector",
        "compose up --detach --no-deps collector",
      ]);
      expect(machine.read("/var/lib/monitoring/files/exporters.yaml")).not.toContain("# broken");
      await machine.forget();
      expect((await machine.startup()).status).toBe(1);
      expect(machine.docker()).toEqual(["compose up --detach --no-deps collector"]);
      machine.files["exporters.yaml"] += "# repaired\n";
      expect(await apply()).toEqual(applied);
    });

    it.each<[string, (settings: Machine["settings"]) => void, RegExp]>([
      [
        "an empty list of keys",
        (settings) => (settings.secrets.ingestionKeys = []),
        /malformed: secrets.ingestionKeys$/,
      ],
      ["no host", (settings) => Object.assign(settings, { host: undefined }), /malformed: host$/],
      [
        "a tag that is missing",
        (settings) => (settings.images.signoz = "signoz"),
        /malformed: images$/,
      ],
    ])("its check (%s) changes nothing", async (_, change, words) => {
      const good = structuredClone(machine.settings);
      change(machine.settings);
      expect(await apply()).toEqual({
        stage: "metadata failed",
        error: expect.stringMatching(words),
      });
      expect(machine.docker()).toEqual([]);
      machine.settings = good;
      expect(await apply()).toEqual(applied);
    });
  });
});

suite(`a change that is cut off while it does not come up${because}`, () => {
  const config = "/var/lib/monitoring/files/otel-collector.yaml";

  /** A machine that runs, and was cut off while it tried a collector that does not start. */
  async function cutOff() {
    const machine = await Machine.start();
    onTestFinished(() => machine.stop());
    expect((await machine.startup()).status).toBe(0);
    await machine.forget();
    const good = machine.files["otel-collector.yaml"] as string;
    machine.files["otel-collector.yaml"] = "receivers: [\n";
    await machine.deliver();
    const tried = async () => {
      const told = ["compose up --detach --no-deps collector"];
      await expect.poll(() => machine.docker(), { timeout: 60_000 }).toEqual(told);
    };
    expect((await machine.startup({ killAt: tried(), patience: 50 })).status).toBe(null);
    expect(machine.read(config)).toBe("receivers: [\n");
    return { machine, good };
  }

  it("goes back to the version that ran before, not to itself", async () => {
    const { machine, good } = await cutOff();
    expect((await machine.startup()).status).toBe(1);
    expect((await machine.observed()).guest.error).toMatch(/; the previous one runs/);
    expect(machine.read(config)).toBe(good);
    await expect.poll(() => machine.probe("shared-key-1"), { timeout: 10_000 }).toBe(0);
  });

  it("leaves nothing running once it is taken back", async () => {
    const { machine, good } = await cutOff();
    machine.files["otel-collector.yaml"] = good;
    await machine.deliver();
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(machine.probe("shared-key-1")).toBe(0);
  });
});

suite(`a data disk that fills up${because}`, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.start();
    const run = await machine.startup();
    expect(run, run.output).toMatchObject({ status: 0 });
  });
  afterAll(() => machine.stop());
  const fill = (percent: number) => machine.run(join(__dirname, "vmChange/fill.sh"), `${percent}`);
  const guard = async () => {
    machine.sh("/var/lib/monitoring/files/disk-guard.sh");
    return (await machine.observed()).guest.disk;
  };

  const closed = {
    stage: "gate failed",
    error: expect.stringMatching(/data disk is full: grow dataDiskGb/),
  };

  it("is announced, then the gate is closed before it is full, and opened again", async () => {
    expect(await guard()).toBe("ok");
    fill(82);
    expect(await guard()).toMatch(/^low: less than 20%/);
    expect(machine.probe("shared-key-1")).toBe(0);
    fill(92);
    expect(await guard()).toMatch(/^full: the gate is closed/);
    expect(machine.probe("shared-key-1")).toBe(2);
    fill(87);
    expect(await guard()).toMatch(/^full: /);
    expect(machine.probe("shared-key-1")).toBe(2);
    fill(75);
    expect(await guard()).toBe("ok");
    await expect.poll(() => machine.probe("shared-key-1"), { timeout: 10_000 }).toBe(0);
  });

  it("is named when a change is applied meanwhile", async () => {
    fill(95);
    await guard();
    machine.files["auto-upgrades.conf"] += "// changed\n";
    await machine.deliver();
    expect((await machine.startup()).status).toBe(1);
    expect((await machine.observed()).guest).toMatchObject(closed);
    expect(machine.probe("shared-key-1")).toBe(2);
  });

  it("is not laid on a version that is applied meanwhile", async () => {
    machine.files["haproxy.cfg"] += "# changed\n";
    await machine.deliver();
    expect((await machine.startup()).status).toBe(1);
    expect((await machine.observed()).guest).toMatchObject(closed);
    expect(machine.read("/var/lib/monitoring/files/haproxy.cfg")).toContain("# changed");
  });

  it("takes the room of a grown disk without any change of the metadata", async () => {
    machine.sh("sync");
    machine.growDisk(1024);
    expect(await guard()).toBe("ok");
    await expect.poll(() => machine.probe("shared-key-1"), { timeout: 10_000 }).toBe(0);
  });
});
