import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportPath } from "../../simulator/otlp";
import { Attacker, message } from "./attacker";
import { holder, holders, shared, strangers } from "./frontAttacks/attacks";
import { type Gate, gateName, startGate } from "./gate";
import { defaultMemory } from "./machine/memory";
import { sample } from "./otlp";
import { cpuSeconds, residentMib } from "./process";

const innocent = "innocent.0123456789abcdef";

/** What an innocent client sees meanwhile, from a thread of its own: an attacker leaves no time to anybody else in theirs. */
async function meanwhile(gate: Gate, attack: () => Promise<unknown>) {
  const worker = new Worker(join(__dirname, "frontAttacks/watching.mjs"), {
    workerData: {
      port: gate.port,
      ca: gate.certificate.ca,
      servername: gateName,
      headers: {
        ":method": "POST",
        ":path": exportPath.logs,
        "content-type": "application/grpc",
        te: "trailers",
        "signoz-ingestion-key": innocent,
      },
      request: message(sample("logs")),
    },
  });
  await sleep(300);
  await attack();
  const said = once(worker, "message");
  worker.postMessage("the attack is over");
  const [result] = await said;
  await worker.terminate();
  return result as { slowestMs: number; sent: number; lost: number };
}

/** Waits until the collector is done with what an earlier attack left in it, which is not the next one's to answer for. */
async function calm({ collectorPid }: Gate) {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 250) {
    const before = cpuSeconds(collectorPid);
    await sleep(250);
    if (cpuSeconds(collectorPid) - before < 0.05) return;
  }
}

describe("an attack leaves memory bounded, and an innocent client is served within 2 s", () => {
  let gate: Gate;
  const rows: string[] = [];
  beforeAll(async () => {
    gate = await startGate({
      keys: [holder, innocent, shared].join("\n"),
      // As compose.yaml has it.
      env: { GOMEMLIMIT: `${Math.floor((defaultMemory.collector * 4) / 5)}MiB` },
    });
  });
  afterAll(async () => {
    await gate.stop();
    console.log(
      ["attack | front MiB | collector MiB | slowest answer ms | lost", ...rows].join("\n"),
    );
  });

  // A stranger's request never gets to the collector: what that does meanwhile is the innocent client's.
  describe.each([
    ["a stranger", "attack/stranger", strangers, 100, true],
    ["a holder of a key", "attack/holder", holders, defaultMemory.collector, false],
  ] as const)("%s", (who, tags, attacks, collectorMib, besidesBefore) => {
    it.each(attacks)("$name", { tags }, async ({ name, run }) => {
      await calm(gate);
      const attacker = new Attacker(gate);
      const before = [residentMib(gate.pid), residentMib(gate.collectorPid)];
      const peak = [...before];
      const watch = setInterval(() => {
        peak[0] = Math.max(peak[0] as number, residentMib(gate.pid));
        peak[1] = Math.max(peak[1] as number, residentMib(gate.collectorPid));
      }, 50);
      const { slowestMs, sent, lost } = await meanwhile(gate, () => run(attacker, 4));
      clearInterval(watch);
      attacker.leave();
      const [front, collector] = peak.map((it, i) => `${before[i]?.toFixed(0)} → ${it.toFixed(0)}`);
      rows.push(
        `${who}: ${name} | ${front} | ${collector} | ${slowestMs.toFixed(0)} | ${lost} of ${sent}`,
      );
      expect(gate.exited()).toBe(false);
      expect(lost).toBe(0);
      expect(slowestMs).toBeLessThan(2000);
      expect(peak[0]).toBeLessThan(defaultMemory.front);
      expect((peak[1] as number) - (besidesBefore ? (before[1] as number) : 0)).toBeLessThan(
        collectorMib,
      );
    });
  });
});
