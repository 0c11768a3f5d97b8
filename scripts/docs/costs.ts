import { standardTypes } from "../../infra/config/machineTypes";
import { fixtureSettings } from "../../simulator/program";
import { type Built, built, engineersPerShard, shardType } from "../costs/built";
import { about, fittingDiskGb, leastStoreVcpu, scarcest } from "../costs/capacity";
import { keptBytes, type MonthlyUsd, storedBytesPerDay, sumUsd } from "../costs/monthly";
import { type Plan, planOf } from "../costs/plan";
import { cloudPrices, machineUsd, prices } from "../costs/prices";
import { perSignal, type Rate, rates } from "../costs/rates";
import { code, table } from "./table";

/** The default configuration before each backend. */
const plans = (): Plan[] =>
  (["vm", "cloud"] as const).map((backend) => ({ ...planOf(fixtureSettings()), backend }));

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
  disks: "disks",
  snapshots: "snapshots",
  address: "address",
  secrets: "secrets",
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
      row("data disk, GiB", ({ dataDiskGb }) => whole(dataDiskGb)),
      ...Object.entries(parts).map(([part, head]) =>
        row(head, ({ usd }) => cents(usd[part as keyof MonthlyUsd])),
      ),
      row("**sum**", ({ usd }) => `**${cents(sumUsd(usd))}**`),
      row("an engineer", ({ usd, engineers }) => cents((sumUsd(usd) ?? Number.NaN) / engineers)),
    ],
  );
}

function machines({ machineType, gates, shards }: Built): string {
  if (gates === 1) return machineType;
  const store = shards > 0 ? `, ${shards} shards on ${shardType}` : "";
  return `beyond one machine: ${gates} gates on ${machineType}${store}`.replace(
    "1 shards",
    "1 shard",
  );
}

/** How many engineers each E2 standard machine carries, and the disk that they fill. */
export const fitTable = (): string =>
  table(
    [
      "machine type",
      "USD a month",
      ...plans().map(({ backend }) => `${code(backend)} carries`),
      `${code("vm")} with a data disk of`,
    ],
    standardTypes("e2").map((machineType) => {
      const carried = plans().map((plan) => scarcest(onAnyDisk({ ...plan, machineType })));
      const [vm] = plans();
      return [
        machineType,
        cents(machineUsd(machineType)),
        ...carried.map(({ engineers, by }) => `${about(engineers)} (${by})`),
        `${whole(fittingDiskGb(vm as Plan, carried[0]?.engineers ?? 0))} GiB`,
      ];
    }),
  );

/** The largest data disk, so that something else is scarcest. */
const onAnyDisk = (plan: Plan): Plan => ({ ...plan, dataDiskGb: 65_536 });

/** What more and more engineers take, on paper. */
export function growthTable(): string {
  const [vm, cloud] = plans() as [Plan, Plan];
  const dollars = ({ usd }: Built) => whole(sumUsd(usd) ?? Number.NaN);
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
    [100, 1000, 5000, 10_000, 100_000].map((engineers) => {
      const [own, before] = [built(vm, engineers), built(cloud, engineers)];
      return [
        `${whole(engineers)}${engineers > measuredEngineers ? ", extrapolated" : ""}`,
        whole(engineers * perSignal((signal) => rates.rowsPerSecond.value[signal])),
        twoDigits(engineers * rates.gateVcpu.value),
        `${twoDigits(engineers * leastStoreVcpu)} to ${twoDigits(engineers * rates.storeVcpu.value)}`,
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

/** As many were measured to the end of the store. */
const measuredEngineers = 200;

function breaksFirst(vm: Plan, { gates, shards }: Built): string {
  if (shards > 1) return "the store: SigNoz waits for no second shard, so OK means one node's disk";
  if (gates > 1) return `the shard's processor, at ${about(engineersPerShard)}`;
  const { by, engineers } = scarcest(onAnyDisk(vm));
  return `the ${by}, at ${about(engineers)}`;
}
