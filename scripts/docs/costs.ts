import { most } from "../../infra/config/gke";
import { standardTypes } from "../../infra/config/machineTypes";
import { replicas } from "../../infra/gke/requests";
import { fixtureSettings } from "../../simulator/program";
import { type Built, built, engineersPerShard, shardType } from "../costs/built";
import { keptBytes, storedBytesPerDay } from "../costs/bytes";
import { about, gateVcpu, leastStoreVcpu, scarcest } from "../costs/capacity";
import { fittingDiskGb } from "../costs/disk";
import { type MonthlyUsd, sumUsd } from "../costs/monthly";
import { type Plan, planOf } from "../costs/plan";
import { cloudPrices, machineUsd, prices } from "../costs/prices";
import { perSignal, type Rate, rates } from "../costs/rates";
import { code, table } from "./table";

/** The default configuration on each backend; a cluster needs a key. */
const plans = (): [vm: Plan, cloud: Plan, gke: Plan] => {
  const plan = planOf(fixtureSettings());
  return [plan, { ...plan, backend: "cloud" }, { ...plan, backend: "gke", kmsKeys: 1 }];
};

const whole = (value: number) => Math.round(value).toLocaleString("en-US");
const cents = (usd: number | undefined) => usd?.toFixed(2) ?? "not known";
const twoDigits = (value: number) => Number(value.toPrecision(2)).toLocaleString("en-US");

/** Every price with its source and the day on which it was read. */
export const priceTable = (): string =>
  table(
    ["USD", "per", "source", "read"],
    [
      ...Object.values(prices).map(({ usd, per, source, read }) => [`${usd}`, per, source, read]),
      ...[cloudPrices.logs, cloudPrices.metrics].map(({ tiers, per, source, read }) => [
        tiers.map(({ usd }) => usd).join(", "),
        `${per}, kept ${tiers.map(({ keptDays }) => keptDays).join(", ")} days`,
        source,
        read,
      ]),
    ],
  );

/** What one engineer at work takes, and how that is known. */
export const rateTable = (): string =>
  table(
    ["rate", "of", "known", "by"],
    Object.values<Rate<number | Record<string, number>>>(rates).map(
      ({ value, unit, how, source }) => [eachOf(value), unit, how, source],
    ),
  );

const eachOf = (value: number | Record<string, number>) =>
  typeof value === "number"
    ? `${value}`
    : Object.entries(value)
        .map(([name, each]) => `${name} ${each}`)
        .join(", ");

const parts: Record<keyof MonthlyUsd, string> = {
  machine: "machine",
  cluster: "cluster",
  pods: "pods",
  disks: "disks",
  snapshots: "snapshots",
  backups: "backups",
  address: "address",
  network: "balancers, NAT, between zones",
  secrets: "secrets",
  key: "key",
  traffic: "to SigNoz Cloud, compressed",
  cloud: "SigNoz Cloud",
};

/** The bill of each backend by its parts, on the smallest machine that fits. */
export function costTable(): string {
  const stacks = plans().flatMap((plan) =>
    [100, 1000, 10_000].map((engineers) => ({
      ...built(plan, engineers),
      head: `${code(plan.backend)}, ${whole(engineers)}`,
      engineers,
    })),
  );
  type Stack = (typeof stacks)[number];
  const row = (head: string, of: (stack: Stack) => string) => [head, ...stacks.map(of)];
  return table(
    row("USD a month", ({ head }) => head),
    [
      row("machines", machines),
      row("data disk, GiB", dataDisk),
      ...Object.entries(parts).map(([part, head]) =>
        row(head, ({ usd }) => cents(usd[part as keyof MonthlyUsd])),
      ),
      row("**sum**", ({ usd }) => `**${cents(sumUsd(usd))}**`),
      row("an engineer", ({ usd, engineers }) => cents((sumUsd(usd) ?? Number.NaN) / engineers)),
    ],
  );
}

const dataDisk = ({ dataDiskGb, shards, cluster }: Built): string =>
  cluster ? `${shards * replicas.clickhouse} × ${whole(dataDiskGb)}` : whole(dataDiskGb);

function machines({ machineType, gates, shards, cluster }: Built): string {
  if (cluster) return `${gates} gates, ClickHouse ${replicasOf(cluster)}, SigNoz on ${machineType}`;
  if (gates === 1) return machineType;
  const store = shards > 0 ? `, ${shards} shards on ${shardType}` : "";
  return `beyond one machine: ${gates} gates on ${machineType}${store}`.replace(
    "1 shards",
    "1 shard",
  );
}

const replicasOf = ({ shards, clickhouseCpu, clickhouseMemoryGb }: Plan["cluster"]): string =>
  `${shards * replicas.clickhouse} × ${clickhouseCpu} vCPU and ${clickhouseMemoryGb} GB`;

/** How many engineers each E2 standard machine carries, and the disk that they fill. */
export function fitTable(): string {
  const [vm, cloud] = plans();
  return table(
    [
      "machine type",
      "USD a month",
      ...[vm, cloud].map(({ backend }) => `${code(backend)} carries`),
      `${code("vm")} with a data disk of`,
    ],
    standardTypes("e2").map((machineType) => {
      const carried = [vm, cloud].map((plan) => scarcest(onAnyDisk({ ...plan, machineType })));
      return [
        machineType,
        cents(machineUsd(machineType)),
        ...carried.map(({ engineers, by }) => `${about(engineers)} (${by})`),
        `${whole(fittingDiskGb(vm, carried[0]?.engineers ?? 0))} GiB`,
      ];
    }),
  );
}

const largestGb = 65_536;

/** The largest data disk, so that something else is scarcest. */
const onAnyDisk = (plan: Plan): Plan => ({
  ...plan,
  dataDiskGb: largestGb,
  cluster: { ...plan.cluster, clickhouseDiskGb: largestGb },
});

const steps = [100, 1000, 5000, 10_000, 100_000];
const dollars = ({ usd }: Built) => whole(sumUsd(usd) ?? Number.NaN);
const stepOf = (engineers: number) =>
  `${whole(engineers)}${engineers > measuredEngineers ? ", extrapolated" : ""}`;

/** What more and more engineers take, on paper. */
export function growthTable(): string {
  const [vm, cloud] = plans();
  return table(
    [
      "engineers at work at once",
      "rows a second",
      "gate, vCPU",
      "inserts, vCPU",
      "GB a day",
      "GB kept",
      `${code("vm")} on`,
      "USD a month",
      `${code("cloud")} on`,
      "USD a month",
      "breaks first",
    ],
    steps.map((engineers) => {
      const [own, before] = [built(vm, engineers), built(cloud, engineers)];
      return [
        stepOf(engineers),
        whole(engineers * perSignal((signal) => rates.rowsPerSecond.value[signal])),
        twoDigits(engineers * gateVcpu),
        `${twoDigits(engineers * leastStoreVcpu)} to ${twoDigits(engineers * rates.vcpu.value.clickhouse)}`,
        twoDigits((engineers * storedBytesPerDay) / 1e9),
        twoDigits(keptBytes(vm, engineers) / 1e9),
        `${machines(own)}, ${whole(own.dataDiskGb)} GiB`,
        dollars(own),
        machines(before),
        dollars(before),
        breaksFirst({ ...vm, machineType: own.machineType }, own),
      ];
    }),
  );
}

/** The same on GKE: what the smallest cluster has that carries them. */
export function clusterTable(): string {
  const [, , gke] = plans();
  return table(
    [
      "engineers at work at once",
      "gates",
      "shards",
      "replicas",
      "disks of the replicas, GiB",
      "USD a month",
      "an engineer",
      "breaks first",
    ],
    steps.map((engineers) => {
      const stack = built(gke, engineers);
      const cluster = stack.cluster ?? gke.cluster;
      return [
        stepOf(engineers),
        whole(stack.gates),
        whole(stack.shards),
        replicasOf(cluster),
        dataDisk(stack),
        dollars(stack),
        cents((sumUsd(stack.usd) ?? Number.NaN) / engineers),
        clusterBreaksFirst({ ...gke, cluster }, stack),
      ];
    }),
  );
}

/** As many were measured to the end of the store. */
const measuredEngineers = 200;

const secondShard = "the store: SigNoz waits for no second shard, so OK means one node's disk";

function breaksFirst(vm: Plan, { gates, shards }: Built): string {
  if (shards > 1) return secondShard;
  if (gates > 1) return `the shard's processor, at ${about(engineersPerShard)}`;
  return ofScarcest(vm);
}

function clusterBreaksFirst(gke: Plan, { gates, shards }: Built): string {
  if (shards > 1) return secondShard;
  if (gates > most.gateReplicas)
    return `the gates: ${code("gateReplicas")} takes ${most.gateReplicas}`;
  return ofScarcest(gke);
}

function ofScarcest(plan: Plan): string {
  const { by, engineers } = scarcest(onAnyDisk(plan));
  return `the ${by}, at ${about(engineers)}`;
}
