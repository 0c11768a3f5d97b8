import { machineSize } from "../../infra/config/machineTypes";
import type { Signal } from "../../infra/gate/ottl";

/** A list price in USD, without discounts; Google's are those of us-central1. */
export interface Price {
  usd: number;
  per: string;
  source: string;
  /** Day on which the source said so, YYYY-MM-DD. */
  read: string;
}

/** Google's month. */
export const hoursPerMonth = 730;

const gke = "cloud.google.com/kubernetes-engine/pricing";
const balancing = "cloud.google.com/load-balancing/pricing";
const nat = "cloud.google.com/nat/pricing";
const network = "cloud.google.com/vpc/network-pricing";
const signoz = "signoz.io/pricing, by the site's own source (constants/pricing.ts)";

/** What Google and SigNoz bill. */
export const prices = {
  vcpuHour: {
    usd: 0.02181159,
    per: "E2 vCPU and hour",
    source: 'Cloud Billing Catalog, "E2 Instance Core running in Americas", as quoted',
    read: "2026-09-25",
  },
  memoryGibHour: {
    usd: 0.00292353,
    per: "E2 GiB of memory and hour",
    source: 'the same, "E2 Instance Ram running in Americas"',
    read: "2026-09-25",
  },
  diskGibMonth: {
    usd: 0.1,
    per: "GiB of pd-balanced and month",
    source: 'the same, "Balanced PD Capacity" (0.000136986 an hour)',
    read: "2026-11-29",
  },
  snapshotGibMonth: {
    usd: 0.065,
    per: "GiB of multi-regional snapshot and month",
    source: "cloud.google.com/compute/pricing-announce (since 2023-04-01)",
    read: "2026-11-29",
  },
  addressHour: {
    usd: 0.005,
    per: "external address in use and hour",
    source: network,
    read: "2026-10-16",
  },
  podVcpuHour: {
    usd: 0.0445,
    per: "vCPU that an Autopilot pod requests and hour",
    source: `${gke}, general-purpose, as quoted`,
    read: "2026-11-30",
  },
  podMemoryGibHour: {
    usd: 0.0049225,
    per: "GiB of memory that an Autopilot pod requests and hour",
    source: "the same",
    read: "2026-11-30",
  },
  clusterHour: {
    usd: 0.1,
    per: "cluster and hour; a billing account gets 74.40 a month back, which is not counted",
    source: gke,
    read: "2026-11-30",
  },
  balancersHour: {
    usd: 0.025,
    per: "hour of the first five forwarding rules together",
    source: balancing,
    read: "2026-11-30",
  },
  balancedGib: {
    usd: 0.008,
    per: "GiB into a load balancer",
    source: balancing,
    read: "2026-11-30",
  },
  natNodeHour: {
    usd: 0.0014,
    per: "machine or node behind Cloud NAT and hour",
    source: nat,
    read: "2026-11-30",
  },
  natHour: {
    usd: 0.044,
    per: "hour of Cloud NAT with more than 32 of them",
    source: nat,
    read: "2026-11-30",
  },
  zoneGib: {
    usd: 0.01,
    per: "GiB from one zone into another",
    source: `${network}, as quoted`,
    read: "2026-11-30",
  },
  bucketGibMonth: {
    usd: 0.02,
    per: "GiB in a bucket of the region, class Standard, and month; what is deleted, until it is gone for good",
    source: "cloud.google.com/storage/pricing",
    read: "2026-11-30",
  },
  keyVersionMonth: {
    usd: 0.06,
    per: "active version of a software key in Cloud KMS and month",
    source: "cloud.google.com/kms/pricing",
    read: "2026-11-30",
  },
  outGib: {
    usd: 0.12,
    per: "GiB out to the internet (inbound is free)",
    source: network,
    read: "2026-09-20",
  },
  secretVersionMonth: {
    usd: 0.06,
    per: "active secret version, place and month; 6 are free",
    source: "cloud.google.com/secret-manager/pricing",
    read: "2026-11-29",
  },
  cloudMonth: {
    usd: 49,
    per: "month of SigNoz Cloud (Teams) at least, as much usage included; an offer, the list has 199",
    source: signoz,
    read: "2026-11-29",
  },
} satisfies Record<string, Price>;

/** Versions that cost nothing, of a whole billing account. */
export const freeSecretVersions = 6;

/** SigNoz Cloud's prices of one unit by how long it is kept. */
export interface CloudPrices extends Omit<Price, "usd"> {
  /** The shortest first. */
  tiers: { keptDays: number; usd: number }[];
}

const ofGb: CloudPrices = {
  tiers: [
    { keptDays: 15, usd: 0.3 },
    { keptDays: 30, usd: 0.4 },
    { keptDays: 90, usd: 0.6 },
    { keptDays: 180, usd: 0.8 },
    { keptDays: 365, usd: 1.4 },
  ],
  per: "GB of logs or traces that SigNoz Cloud takes",
  source: signoz,
  read: "2026-11-29",
};

/** By signal. Its months of metrics are 30 days here. */
export const cloudPrices = {
  logs: ofGb,
  traces: ofGb,
  metrics: {
    tiers: [
      { keptDays: 30, usd: 0.1 },
      { keptDays: 90, usd: 0.12 },
      { keptDays: 180, usd: 0.15 },
      { keptDays: 390, usd: 0.18 },
    ],
    per: "million points of metrics that SigNoz Cloud takes",
    source: signoz,
    read: "2026-11-29",
  },
} satisfies Record<Signal, CloudPrices>;

/** USD of one unit in the cheapest tier that keeps it so long; undefined beyond the longest that has a list price. */
export const cloudUnitUsd = (signal: Signal, retentionDays: number): number | undefined =>
  cloudPrices[signal].tiers.find(({ keptDays }) => keptDays >= retentionDays)?.usd;

/** The day since which no price here has been read again, YYYY-MM-DD. */
export const oldestRead = (): string =>
  Object.values(prices)
    .map(({ read }) => read)
    .sort()[0] ?? "";

/**
 * What a machine costs a month, in USD; undefined where its price is not known here. E2's own sizes are billed by vCPU
 * and GiB; other series, and E2's custom sizes, have prices of their own.
 */
export function machineUsd(machineType: string): number | undefined {
  if (!/^e2-(standard|highmem|highcpu)-\d+$/.test(machineType)) return undefined;
  const { vcpus, memoryGb } = machineSize(machineType);
  const usdPerHour = vcpus * prices.vcpuHour.usd + memoryGb * prices.memoryGibHour.usd;
  return usdPerHour * hoursPerMonth;
}
