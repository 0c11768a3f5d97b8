import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

interface Collector {
  /** Restarts that changed nothing. */
  inVain: number;
  /** Seconds since its start. */
  age: number;
  refused?: boolean;
  answers?: boolean;
}

/** One look of collector.sh; the real collector under it is in test/real/gkeCollector.test.ts, which cannot wait an hour. */
function look({ inVain, age, refused = true, answers = true }: Collector) {
  const { status, stdout, stderr } = spawnSync(
    "bash",
    [
      "-c",
      `. infra/gke/files/collector.sh
       answers() { ${answers}; }
       restarts=${inVain} began=$((SECONDS - ${age})) refused=${refused ? "package.json" : "/dev/null"}
       if is_due; then echo "due $restarts"; else echo "not due $restarts"; fi`,
    ],
    { encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.trim();
}

describe("collector.sh", () => {
  it.each<[string, Collector, string]>([
    ["starts the collector again after a refusal", { inVain: 0, age: 65 }, "due 0"],
    ["leaves one alone that has just begun", { inVain: 0, age: 30 }, "not due 0"],
    ["waits twice as long after a restart in vain", { inVain: 1, age: 80 }, "not due 1"],
    ["and starts it then", { inVain: 1, age: 125 }, "due 1"],
    ["waits half an hour before the last", { inVain: 5, age: 1860 }, "not due 5"],
    ["starts it for the last time", { inVain: 5, age: 1930 }, "due 5"],
    ["leaves it to the exporters after six", { inVain: 6, age: 90_000 }, "not due 6"],
    ["waits for ClickHouse", { inVain: 0, age: 65, answers: false }, "not due 0"],
    ["begins anew with one that was away", { inVain: 6, age: 90_000, answers: false }, "not due 0"],
    ["forgets when nothing is refused", { inVain: 3, age: 65, refused: false }, "not due 0"],
    ["not before it had time to", { inVain: 3, age: 30, refused: false }, "not due 3"],
  ])("%s", (_, collector, told) => {
    expect(look(collector)).toBe(told);
  });
});
