import * as field from "./fields";

/** The most that a stack may have; a pod's is what Autopilot gives one (Google Cloud, "Resource requests in Autopilot"). */
export const most = { gateReplicas: 20, clickhouseCpu: 30, clickhouseMemoryGb: 110 };

/** How much of what runs on GKE. Two replicas of ClickHouse and three Keepers are what it takes to lose a zone. */
export const gke = {
  gateReplicas: field.key(
    "Gates, each with a queue disk of its own; one more than the load needs, since one may be away",
    field.wholeNumber(2, most.gateReplicas),
    2,
  ),
  gateQueueDiskGb: field.key(
    "Size of a gate's queue disk; grows in place, never shrinks",
    field.wholeNumber(10, 1000),
    10,
  ),
  clickhouseCpu: field.key(
    "Virtual CPUs of each of the two ClickHouse replicas",
    field.wholeNumber(1, most.clickhouseCpu),
    2,
  ),
  clickhouseMemoryGb: field.key(
    "Memory of each ClickHouse replica, one to six and a half times its CPUs",
    field.wholeNumber(4, most.clickhouseMemoryGb),
    8,
  ),
  clickhouseDiskGb: field.key(
    "Size of each ClickHouse replica's disk; grows in place, never shrinks",
    field.wholeNumber(30, 65536),
    100,
  ),
  backupDays: field.key(
    "Days that a daily backup of ClickHouse is kept",
    field.wholeNumber(1, 365),
    14,
  ),
};

/** Faults between these keys that are each well-formed. */
export function gkeContradictions({
  clickhouseCpu: cpu,
  clickhouseMemoryGb: memory,
}: Partial<field.Values<typeof gke>>): string[] {
  if (cpu === undefined || memory === undefined || (memory >= cpu && memory <= 6.5 * cpu))
    return [];
  return [
    `monitoring:clickhouseMemoryGb = ${memory} does not go with clickhouseCpu = ${cpu}: Autopilot gives a pod 1 to 6.5 GB for each; run: pulumi config set monitoring:clickhouseMemoryGb ${4 * cpu}`,
  ];
}
