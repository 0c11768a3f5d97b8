import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { ContainedTables } from "../real/machine/containedTables";
import { BootedMachine } from "./bootedMachine";
import { settled, Traffic } from "./traffic";

const minutes = { timeout: 300_000, interval: 500 };

describe("a machine that boots", () => {
  let machine: BootedMachine;
  let store: ContainedTables;
  let containers: string;
  const traffic = new Traffic("boots");
  const ids = () => machine.sh("docker ps --no-trunc --format '{{.Names}} {{.ID}}' | sort");

  const stage = (wanted: string) =>
    expect.poll(async () => (await machine.observed()).stages, minutes).toContain(wanted);

  beforeAll(async () => {
    machine = await BootedMachine.made();
    store = new ContainedTables(machine);
  });
  afterAll(() => machine?.stop());

  it("comes up by itself on a blank disk, and takes telemetry with the key only", async () => {
    await machine.powerOn();
    console.info(`first boot: the gate accepts after ${(await machine.applied()).toFixed(0)} s`);
    expect(
      await Promise.all(["shared-key-1", "another", ""].map((key) => machine.probe(key))),
    ).toEqual([0, 1, 1]);
    expect(await machine.sh("systemctl --failed --quiet --no-legend")).toBe("");
    containers = await ids();
    expect(containers.split("\n")).toHaveLength(6);
  });

  it("is as it was after each of ten reboots under traffic, and nothing acknowledged is lost", async () => {
    const seconds: number[] = [];
    for (let boot = 0; boot < 10; boot++) {
      await traffic.during(machine, "shared-key-1", machine.shutDown());
      await machine.powerOn();
      const applied = machine.applied();
      await traffic.during(machine, "shared-key-1", applied);
      seconds.push(Math.round(await applied));
      expect(await machine.sh("journalctl --boot --unit google-startup-scripts")).toContain(
        "services=unchanged",
      );
      expect(await ids()).toBe(containers);
    }
    const compared = await settled(traffic, store);
    console.info(`ten reboots: ${seconds.join(", ")} s; ${JSON.stringify(compared)}`);
    expect(compared.lost).toEqual([]);
    expect(compared.acknowledged).toBeGreaterThan(100);
  });

  it.each([
    ["three days behind", -3],
    ["thirty years ahead", 30 * 365],
  ])("comes up by itself once its clock, %s at the boot, is put right", async (_, days) => {
    await machine.shutDown();
    const wrong = Date.now() + days * 86_400_000;
    await machine.powerOn(`systemd.clock_usec=${wrong * 1000}`);
    await stage("secrets running");
    expect(Math.abs(Number(await machine.sh("date +%s")) * 1000 - wrong)).toBeLessThan(600_000);
    await sleep(15_000);
    expect((await machine.observed()).guest.applied).toBeUndefined();
    await machine.sh(`date --set @${Math.round(Date.now() / 1000)}`);
    await machine.applied();
    expect(await machine.probe("shared-key-1")).toBe(0);
  });

  it("keeps the gate closed over a boot with a full data disk, and opens it by itself when there is room", async () => {
    // The last few blocks are refused, with what came before in place.
    await machine.sh(
      "fallocate --length $(df --output=avail --block-size=1M /mnt/monitoring | tail -1)M /mnt/monitoring/fill || true",
    );
    const disk = async () => (await machine.observed()).guest.disk;
    await expect.poll(disk, minutes).toContain("full");
    await machine.sh("sync");
    await machine.cut();
    await machine.powerOn();
    await expect
      .poll(async () => (await machine.observed()).guest.error, minutes)
      .toContain("the data disk is full");
    // Two minutes after the boot the guard looks for the first time.
    await expect.poll(disk, minutes).toContain("full");
    expect(await machine.probe("shared-key-1")).not.toBe(0);
    await machine.sh("rm /mnt/monitoring/fill");
    await expect.poll(() => machine.probe("shared-key-1"), minutes).toBe(0);
    // The watcher tries a version that failed again every five minutes at most.
    await expect
      .poll(async () => (await machine.observed()).guest.applied, { ...minutes, timeout: 600_000 })
      .toBeDefined();
  });

  it("lives on in a new machine, made of a snapshot taken under load, whose metadata server is late", async () => {
    const early = new Traffic("before-snapshot");
    await early.during(machine, "shared-key-1", sleep(60_000));
    let snapshot = "";
    const taken = (async () => {
      await sleep(2000);
      snapshot = await machine.snapshot();
    })();
    await new Traffic("while-snapshot").during(machine, "shared-key-1", taken);
    const other = await BootedMachine.made(4096, snapshot);
    onTestFinished(() => other.stop());
    await machine.cut();
    await other.metadataAway(true);
    await other.powerOn();
    await sleep(60_000);
    expect((await other.observed()).stages).toEqual([]);
    await other.metadataAway(false);
    console.info(`new machine from a snapshot: up after ${(await other.applied()).toFixed(0)} s`);
    expect(await other.probe("shared-key-1")).toBe(0);
    const compared = await settled(early, new ContainedTables(other));
    expect(compared).toMatchObject({ lost: [] });
    expect(compared.acknowledged).toBeGreaterThan(20);
  });
});
