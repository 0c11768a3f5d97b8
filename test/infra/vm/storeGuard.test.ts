import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeTool } from "../../fakeTool";

const shipped = readFileSync("infra/vm/store/store-guard.sh", "utf8");
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
const refusal = "Exporting failed. Will retry the request after interval.";

/** One look of the guard at a machine; the real containers are in test/real/containersStore.test.ts, which cannot wait an hour. */
function look(machine: {
  inVain: number;
  age: number;
  log?: string;
  clickhouse?: { age?: number; health?: string };
  /** Whether the cluster's ClickHouse answers, where the collector writes to that. */
  there?: boolean;
}) {
  const { age: clickhouseAge = 100_000, health = "healthy" } = machine.clickhouse ?? {};
  const docker = fakeTool(
    "docker",
    `case "$*" in
      *StartedAt*collector*) echo ${ago(machine.age)} ;;
      *StartedAt*clickhouse*) echo ${ago(clickhouseAge)} ;;
      *Health*) echo ${health} ;;
      exec*) ${machine.there ?? "exit 1"} ;;
      logs*) echo '${machine.log ?? refusal}' ;;
    esac`,
  );
  const inVain = join(docker.folder, "in-vain");
  if (machine.inVain > 0) writeFileSync(inVain, `${machine.inVain}\n`);
  const settings = join(docker.folder, "settings.json");
  if (machine.there !== undefined)
    writeFileSync(settings, JSON.stringify({ handover: { write: "gke" } }));
  const guard = shipped
    .replace("/run/monitoring-store", inVain)
    .replace("/var/lib/monitoring/settings.json", settings);
  const { status, stderr } = spawnSync("bash", ["-c", guard], {
    env: docker.env,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  return {
    restarts: docker.calls().filter((call) => call.startsWith("docker restart")).length,
    inVain: existsSync(inVain) ? Number(readFileSync(inVain, "utf8")) : 0,
  };
}

describe("store-guard.sh", () => {
  it.each([
    ["restarts after a refusal", { inVain: 0, age: 65 }, 1, 1],
    ["leaves a collector alone that has just begun", { inVain: 0, age: 30 }, 0, 0],
    ["waits twice as long after a restart in vain", { inVain: 1, age: 80 }, 0, 1],
    ["restarts then", { inVain: 1, age: 125 }, 1, 2],
    ["waits half an hour before the last", { inVain: 5, age: 1860 }, 0, 5],
    ["restarts for the last time", { inVain: 5, age: 1930 }, 1, 6],
    ["leaves it to the exporters after six", { inVain: 6, age: 90_000 }, 0, 6],
    [
      "begins anew with another ClickHouse",
      { inVain: 6, age: 90_000, clickhouse: { age: 60 } },
      1,
      1,
    ],
    ["forgets when nothing is refused", { inVain: 3, age: 65, log: "Everything is ready." }, 0, 0],
    ["waits for a cluster's ClickHouse", { inVain: 3, age: 65, there: false }, 0, 0],
    [
      "goes by that one alone",
      { inVain: 0, age: 65, clickhouse: { health: "starting" }, there: true },
      1,
      1,
    ],
    ["waits for ClickHouse", { inVain: 0, age: 65, clickhouse: { health: "starting" } }, 0, 0],
  ])("%s", (_, machine, restarts, inVain) => {
    expect(look(machine)).toEqual({ restarts, inVain });
  });
});
