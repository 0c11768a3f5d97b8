import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { built } from "../../../scripts/costs/built";
import { keptBytes } from "../../../scripts/costs/bytes";
import { about, containerMib, fitting, limits, scarcest } from "../../../scripts/costs/capacity";
import { fittingCluster } from "../../../scripts/costs/cluster";
import { fittingDiskGb } from "../../../scripts/costs/disk";
import { costLine } from "../../../scripts/costs/line";
import { monthlyUsd, sumUsd } from "../../../scripts/costs/monthly";
import { type Plan, planOf, secretVersions } from "../../../scripts/costs/plan";
import { cloudPrices, machineUsd, oldestRead, prices } from "../../../scripts/costs/prices";
import { fixtureSettings } from "../../../simulator/program";

/** Rates of this file's own: a new measurement turns no arithmetic wrong. */
vi.mock("../../../scripts/costs/rates", async (load) => {
  const real = await load<typeof import("../../../scripts/costs/rates")>();
  const ours = {
    vcpu: { front: 0.0005, collector: 0.0016, clickhouse: 0.0025 },
    baseVcpu: { front: 0.01, collector: 0.03, clickhouse: 0.14, others: 0.02 },
    baseMib: { front: 18, collector: 36, clickhouse: 115 },
    mib: { front: 0.07, collector: 0.17, clickhouse: 1.2 },
    syncedRequests: 0.6,
    syncSeconds: 0.001,
  };
  const rates = Object.entries(ours).map(([name, value]) => [
    name,
    { ...real.rates[name as keyof typeof ours], value },
  ]);
  return { ...real, rates: { ...real.rates, ...Object.fromEntries(rates) } };
});

/** The default stack, with one ingestion key. */
const vm: Plan = {
  backend: "vm",
  machineType: "e2-standard-2",
  bootDiskGb: 30,
  dataDiskGb: 100,
  snapshotRetentionDays: 14,
  retentionDays: { logs: 30, traces: 15, metrics: 180 },
  ingestionKeys: 1,
  secretPlaces: 1,
  kmsKeys: 0,
  cluster: {
    gateReplicas: 2,
    gateQueueDiskGb: 10,
    clickhouseCpu: 2,
    clickhouseMemoryGb: 8,
    clickhouseDiskGb: 100,
    backupDays: 14,
    shards: 1,
  },
};
const cloud: Plan = { ...vm, backend: "cloud" };
const gke: Plan = { ...vm, backend: "gke", kmsKeys: 1 };
const cluster = (sizes: Partial<Plan["cluster"]>): Plan => ({
  ...gke,
  cluster: { ...gke.cluster, ...sizes },
});
const onGke = () => {
  const settings = fixtureSettings();
  const kmsKey = "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data";
  return { ...settings, machine: { ...settings.machine, backend: "gke" as const, kmsKey } };
};
const inCloud = (config = {}) =>
  fixtureSettings(
    { backend: "cloud", adminEmail: "", cloudEndpoint: "ingest.eu.signoz.cloud:443", ...config },
    { cloudIngestionKey: "no-key-of-anybody" },
  );

describe("a machine's price", () => {
  // (vCPU × 0.02181159 + GiB × 0.00292353) × 730
  it.each([
    ["e2-standard-2", 48.92],
    ["e2-standard-4", 97.84],
    ["e2-standard-32", 782.69],
    ["e2-highmem-2", 65.99],
    ["e2-highcpu-8", 144.45],
  ])("of %s is %d USD a month", (machineType, usd) => {
    expect(machineUsd(machineType)).toBeCloseTo(usd, 2);
  });

  it.each(["n2-standard-4", "t2d-standard-4", "e2-custom-4-16384", "c3-standard-4-lssd"])(
    "of %s is not known, and so is the sum",
    (machineType) => {
      expect(machineUsd(machineType)).toBeUndefined();
      const parts = monthlyUsd({ ...vm, machineType }, 100);
      expect(parts.disks).toBe(13);
      expect(sumUsd(parts)).toBeUndefined();
    },
  );

  it("is none for what Compute Engine does not make", () => {
    expect(() => machineUsd("e2-standard-3")).toThrow("must be a machine type of series e2");
  });
});

describe("a month", () => {
  it.each<[string, Plan, number, Partial<Record<keyof ReturnType<typeof monthlyUsd>, number>>]>([
    [
      "of the default without anybody",
      vm,
      0,
      { machine: 48.92, disks: 13, snapshots: 0, address: 3.65, secrets: 0, traffic: 0, cloud: 0 },
    ],
    ["of a machine, without a cluster", vm, 1000, { cluster: 0, pods: 0, network: 0, backups: 0 }],
    ["of a key that encrypts its disks", { ...vm, kmsKeys: 1 }, 0, { key: 0.06 }],
    // 2 × (1.55 vCPU and 2112 MiB), 2 × (2 and 8 GiB), 3 × (0.25 and 0.5 GiB).
    [
      "of the default cluster without anybody",
      gke,
      0,
      { machine: 48.92, cluster: 73, pods: 332.72, disks: 38, snapshots: 0, address: 7.3 },
    ],
    // (0.025 + 8 × 0.0014) × 730: seven pods' nodes and SigNoz's machine
    ["of what lies before it", gke, 0, { network: 26.43, backups: 0, traffic: 0, cloud: 0 }],
    // 1107.2 GiB sent, at 0.008; 72.67 GiB stored, at 0.01 from gate to replica and from replica to replica.
    ["of what a thousand send it", gke, 1000, { network: 36.74, pods: 332.72, snapshots: 0 }],
    // 4 full ones of 71.96 GB, 21 days of 3 × 2.565 GB: 418.6 GiB.
    ["of backups with a thousand engineers", gke, 1000, { backups: 8.37 }],
    // 3 full ones, 14 days.
    ["of a week's backups", cluster({ backupDays: 7 }), 1000, { backups: 6.03 }],
    // A gate more, and 10 vCPU and 40 GiB more for the replicas.
    [
      "of a larger cluster",
      cluster({ gateReplicas: 3, clickhouseCpu: 7, clickhouseMemoryGb: 28, clickhouseDiskGb: 420 }),
      0,
      { pods: 859.07, disks: 103 },
    ],
    ["of two shards", cluster({ shards: 2, gateQueueDiskGb: 20 }), 0, { pods: 520.15, disks: 60 }],
    // (0.025 + 0.044) × 730
    ["of more nodes than NAT counts", cluster({ gateReplicas: 40 }), 0, { network: 50.37 }],
    // Kept 71.96 GB and 14 daily snapshots of 3.59 GB × 5/7: 100.46 GiB.
    ["of snapshots with a thousand engineers", vm, 1000, { snapshots: 6.53, traffic: 0 }],
    ["of one snapshot a day", { ...vm, snapshotRetentionDays: 1 }, 1000, { snapshots: 4.51 }],
    ["of larger disks", { ...vm, dataDiskGb: 400, bootDiskGb: 50 }, 0, { disks: 45 }],
    ["of two keys more than are free", { ...vm, ingestionKeys: 3 }, 0, { secrets: 0.12 }],
    ["of them in two places", { ...vm, ingestionKeys: 3, secretPlaces: 2 }, 0, { secrets: 0.6 }],
    ["before SigNoz Cloud, below what it bills at least", cloud, 10, { cloud: 49 }],
    // 500,571 logs of 1100 bytes at 0.4 and spans of 1570 at 0.3 a GB, 187,714 points at 0.15 a million, each.
    [
      "before SigNoz Cloud with a thousand",
      cloud,
      1000,
      { machine: 48.92, disks: 13, snapshots: 0, cloud: 484.18, traffic: 14.76 },
    ],
    [
      "before SigNoz Cloud with the shortest retention",
      { ...cloud, retentionDays: { logs: 1, traces: 15, metrics: 30 } },
      1000,
      { cloud: 419.73 },
    ],
  ])("%s", (_, plan, engineers, expected) => {
    const parts = monthlyUsd(plan, engineers);
    for (const [part, usd] of Object.entries(expected))
      expect(parts[part as keyof typeof parts], part).toBeCloseTo(usd, 2);
  });

  it.each([
    { logs: 366, traces: 15, metrics: 180 },
    { logs: 30, traces: 15, metrics: 391 },
  ])("is not known where SigNoz Cloud has no list price: %o", (retentionDays) => {
    expect(monthlyUsd({ ...cloud, retentionDays }, 10).cloud).toBeUndefined();
    expect(sumUsd(monthlyUsd({ ...cloud, retentionDays }, 10))).toBeUndefined();
    expect(sumUsd(monthlyUsd({ ...vm, retentionDays }, 10))).toBeGreaterThan(0);
  });

  it("costs no less with more engineers, a larger disk, or more days", () => {
    const usd = (plan: Plan, engineers: number) => sumUsd(monthlyUsd(plan, engineers)) as number;
    const count = fc.integer({ min: 0, max: 200_000 });
    fc.assert(
      fc.property(fc.constantFrom(vm, cloud, gke), count, count, (plan, engineers, more) => {
        const least = usd(plan, engineers);
        expect(usd(plan, engineers + more)).toBeGreaterThanOrEqual(least);
        expect(usd({ ...plan, dataDiskGb: 100 + more }, engineers)).toBeGreaterThanOrEqual(least);
        const snapshotRetentionDays = 14 + more;
        expect(usd({ ...plan, snapshotRetentionDays }, engineers)).toBeGreaterThanOrEqual(least);
      }),
    );
  });
});

describe("how many engineers fit", () => {
  it.each<[string, Plan, string, number]>([
    // (2 × 0.8 - 0.2) / (0.0021 + 0.0025)
    ["on the default", vm, "processor", 304],
    ["before SigNoz Cloud", cloud, "processor", 666],
    ["on a machine without a price", { ...cloud, machineType: "n2-standard-4" }, "processor", 1428],
    // 100 GiB × 0.8 / 71.96 MB
    ["on eight processors", { ...vm, machineType: "e2-standard-8" }, "disk", 1193],
    [
      "with logs kept for a year",
      { ...vm, retentionDays: { ...vm.retentionDays, logs: 365 } },
      "disk",
      163,
    ],
    // One gate of two, whose collector has a vCPU: (0.8 - 0.03) / 0.0016
    ["on the default cluster", gke, "processor of the gates", 481],
    // (2 × 0.8 - 0.14) / 0.0025, by one replica of two
    ["on three gates", cluster({ gateReplicas: 3 }), "processor of ClickHouse", 584],
    [
      "on four gates and larger replicas",
      cluster({ gateReplicas: 4, clickhouseCpu: 4 }),
      "disk of ClickHouse",
      1193,
    ],
    // (4096 - 115) / 1.2
    [
      "on replicas with little memory",
      cluster({ gateReplicas: 9, clickhouseCpu: 30, clickhouseMemoryGb: 4, clickhouseDiskGb: 400 }),
      "memory of ClickHouse",
      3317,
    ],
    ["on two shards", cluster({ gateReplicas: 4, shards: 2 }), "processor of ClickHouse", 1168],
  ])("%s", (_, plan, by, engineers) => {
    expect(scarcest(plan)).toEqual({ by, engineers });
  });

  it("is limited by the memory of the container that has the least for each", () => {
    // ClickHouse: (3097.6 - 115) / 1.2; the front: (496.6 - 18) / 0.07
    expect(limits(vm)).toContainEqual({ by: "memory", engineers: 2485 });
    expect(limits(cloud)).toContainEqual({ by: "memory", engineers: 6837 });
    // The front: (512 - 18) / 0.07
    expect(limits(gke)).toContainEqual({ by: "memory of the gates", engineers: 7057 });
  });

  // docs/runbook.md, Which machine type for how many
  it.each([
    ["e2-standard-2", 0.5, 1.5, 3],
    ["e2-standard-4", 1, 2.6, 9.3],
    ["e2-standard-8", 2, 5.2, 21.4],
  ])("gives the containers of %s their memory", (machineType, front, collector, clickhouse) => {
    const mib = containerMib(machineType);
    expect(Math.abs(mib.front / 1024 - front)).toBeLessThan(0.1);
    expect(Math.abs(mib.collector / 1024 - collector)).toBeLessThan(0.1);
    expect(Math.abs(mib.clickhouse / 1024 - clickhouse)).toBeLessThan(0.3);
  });

  it("is the same on any machine by the disk's syncs", () => {
    // 0.6 requests in 1 ms, of which an engineer sends one in 5 s
    for (const machineType of ["e2-standard-2", "e2-standard-32"])
      expect(limits({ ...vm, machineType })).toContainEqual({
        by: "disk's syncs",
        engineers: 3000,
      });
  });

  it("is the same on each gate but the one that may be away, whatever SigNoz's machine", () => {
    for (const gateReplicas of [2, 3, 20]) {
      const found = limits(cluster({ gateReplicas }));
      const engineers = 3000 * (gateReplicas - 1);
      expect(found).toContainEqual({ by: "syncs of the gates' disks", engineers });
      expect(limits({ ...cluster({ gateReplicas }), machineType: "e2-standard-32" })).toEqual(
        found,
      );
    }
  });

  it("is no limit of the disk where it holds a queue alone", () => {
    expect(limits({ ...cloud, dataDiskGb: 30 }).at(-1)).toEqual({
      by: "disk",
      engineers: Number.POSITIVE_INFINITY,
    });
  });

  it("is no fewer with a larger disk and a larger machine", () => {
    const types = [2, 4, 8, 16, 32].map((vcpus) => `e2-standard-${vcpus}`);
    const disk = fc.integer({ min: 30, max: 32_000 });
    fc.assert(
      fc.property(fc.nat({ max: 3 }), disk, disk, (size, dataDiskGb, more) => {
        const plan = { ...vm, machineType: types[size] as string, dataDiskGb };
        const least = scarcest(plan).engineers;
        expect(
          scarcest({ ...plan, dataDiskGb: dataDiskGb + more }).engineers,
        ).toBeGreaterThanOrEqual(least);
        const machineType = types[size + 1] as string;
        expect(scarcest({ ...plan, machineType }).engineers).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  it.each<[Plan, number, string | undefined, number | undefined]>([
    [vm, 100, "e2-standard-2", 100],
    [vm, 304, "e2-standard-2", 100],
    [vm, 305, "e2-standard-4", 100],
    [vm, 1000, "e2-standard-8", 100],
    [vm, 2700, "e2-standard-16", 230],
    [vm, 3000, "e2-standard-32", 260],
    [vm, 3001, undefined, undefined],
    [cloud, 1000, "e2-standard-4", 100],
    [cloud, 3000, "e2-standard-16", 100],
    [cloud, 3001, undefined, undefined],
  ])("%o: %d on %s with %d GiB", (plan, engineers, machineType, dataDiskGb) => {
    const one = fitting(plan, engineers);
    expect([one?.machineType, one?.dataDiskGb]).toEqual([machineType, dataDiskGb]);
  });

  it.each<[number, Partial<Plan["cluster"]>]>([
    [1, {}],
    [481, {}],
    [482, { gateReplicas: 3 }],
    // (600 × 0.0025 + 0.14) / 0.8 = 2.05
    [600, { gateReplicas: 3, clickhouseCpu: 3, clickhouseMemoryGb: 12 }],
    [5000, { gateReplicas: 12, clickhouseCpu: 16, clickhouseMemoryGb: 64, clickhouseDiskGb: 420 }],
    // 30 vCPU take (24 - 0.14) / 0.0025 = 9544.
    [9544, { gateReplicas: 21, clickhouseCpu: 30, clickhouseMemoryGb: 110, clickhouseDiskGb: 800 }],
    [
      10_000,
      {
        gateReplicas: 22,
        shards: 2,
        clickhouseCpu: 16,
        clickhouseMemoryGb: 64,
        clickhouseDiskGb: 420,
      },
    ],
  ])("%d on a cluster with %o", (engineers, sizes) => {
    expect(fittingCluster(gke, engineers)).toEqual(cluster(sizes));
  });

  it("is what fits on the cluster that fits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500_000 }), (engineers) => {
        expect(scarcest(fittingCluster(gke, engineers)).engineers).toBeGreaterThanOrEqual(
          engineers,
        );
      }),
    );
  });

  it("is what fits on the disk that fits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500_000 }), (engineers) => {
        const dataDiskGb = fittingDiskGb(vm, engineers);
        expect(keptBytes(vm, engineers)).toBeLessThanOrEqual(dataDiskGb * 2 ** 30 * 0.8);
      }),
    );
  });

  it.each([
    [0, "about 0"],
    [7, "about 7"],
    [924, "about 920"],
    [1193, "about 1,100"],
    [21_085, "about 21,000"],
  ])("%d is told as %s", (engineers, text) => {
    expect(about(engineers)).toBe(text);
  });
});

describe("what is built", () => {
  it("is the one machine that fits", () => {
    const { usd, ...machines } = built(vm, 1000);
    expect(machines).toMatchObject({ machineType: "e2-standard-8", gates: 1, shards: 0 });
    expect(sumUsd(usd)).toBeCloseTo(218.85, 2);
  });

  it.each<[Plan, number, object, number]>([
    // 4 × 195.67 + 782.69; 840 + 5 × 30 + 4 × 100 GiB of disks; 10 × 100.46 GiB of snapshots; the address
    [vm, 10_000, { gates: 4, shards: 1, dataDiskGb: 840 }, 1773.34],
    [vm, 100_000, { gates: 34, shards: 10, dataDiskGb: 8380 }, 16_446.49],
    // 34 × (195.67 + 13), the address, 100 × 484.18 and 100 × 14.76
    [cloud, 100_000, { gates: 34, shards: 0 }, 56_992.59],
  ])("is several by arithmetic: %o %d", (plan, engineers, machines, usd) => {
    const found = built(plan, engineers);
    expect(found).toMatchObject({ machineType: "e2-standard-8", ...machines });
    expect(sumUsd(found.usd)).toBeCloseTo(usd, 1);
  });

  it.each([100, 1000, 10_000, 100_000])(
    "is a cluster that fits %d, and SigNoz's machine",
    (engineers) => {
      const whole = fittingCluster(gke, engineers);
      const { gateReplicas: gates, shards, clickhouseDiskGb: dataDiskGb } = whole.cluster;
      expect(built(gke, engineers)).toEqual({
        machineType: "e2-standard-2",
        gates,
        shards,
        dataDiskGb,
        cluster: whole.cluster,
        usd: monthlyUsd(whole, engineers),
      });
    },
  );
});

describe("the line of npm start", () => {
  const carries = (engineers: string, by: string) =>
    `carries about ${engineers} engineers at work at once (extrapolated worst case: a model call each every 5 s), limited by the ${by}`;
  it.each([
    [
      "vm",
      () => fixtureSettings(),
      `${carries("300", "processor")}; costs 67.55 USD a month with all of them, by list prices of 2026-09-20`,
    ],
    [
      "cloud",
      () => inCloud(),
      `${carries("660", "processor")}; costs 397.86 USD a month with all of them, 322.46 of it SigNoz Cloud's, by list prices of 2026-09-20`,
    ],
    [
      "gke",
      onGke,
      `${carries("480", "processor of the gates")}; costs 535.41 USD a month with all of them, by list prices of 2026-09-20`,
    ],
    [
      "a long retention",
      () => fixtureSettings({ retentionDaysLogs: 365 }),
      `${carries("160", "disk")}; costs 71.09 USD a month with all of them, by list prices of 2026-09-20`,
    ],
    [
      "a machine without a price",
      () => fixtureSettings({ machineType: "n2-standard-4" }),
      `${carries("650", "processor")}; what it costs a month is not known, without a list price for n2-standard-4`,
    ],
    [
      "a retention without a price",
      () => inCloud({ retentionDaysTraces: 400 }),
      `${carries("660", "processor")}; what it costs a month is not known, without a list price of SigNoz Cloud for so long a retention`,
    ],
    [
      "content",
      () => fixtureSettings({ keepContent: true }),
      `${carries("300", "processor")}; costs 67.55 USD a month with all of them, by list prices of 2026-09-20; content that keepContent lets through not counted`,
    ],
  ])("%s", (_, settings, line) => {
    expect(costLine(settings())).toBe(line);
  });

  it("takes the plan from the configuration", () => {
    expect(planOf(fixtureSettings())).toEqual(vm);
    const own = fixtureSettings({
      ingestionKeyGenerations: [],
      personalKeyEmails: ["dana@palindrom.example", "fox@palindrom.example"],
      dataLocations: ["us-central1", "us-east1"],
      retentionDaysLogs: 7,
    });
    expect(planOf(own)).toEqual({
      ...vm,
      ingestionKeys: 3,
      secretPlaces: 2,
      retentionDays: { ...vm.retentionDays, logs: 7 },
    });
    expect([vm, cloud, gke].map(secretVersions)).toEqual([6, 4, 6]);
    expect(planOf(onGke())).toEqual(gke);
    const larger = { ...onGke(), gke: { ...onGke().gke, gateReplicas: 5, clickhouseDiskGb: 300 } };
    expect(planOf(larger)).toEqual(cluster({ gateReplicas: 5, clickhouseDiskGb: 300 }));
  });
});

describe("prices", () => {
  it.each([...Object.values(prices), ...Object.values(cloudPrices)])(
    "say their source and day: $per",
    ({ source, read }) => {
      expect(source).not.toBe("");
      expect(new Date(read).toISOString().slice(0, 10)).toBe(read);
      expect(read >= oldestRead()).toBe(true);
    },
  );
});
