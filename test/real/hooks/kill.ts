import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { Machine, ownSettings } from "../../hooks/engineerMachine";
import { bytes } from "./faults";

const writers = ["cat", "chmod", "cmp", "cp", "find", "grep", "jq", "ln", "mkdir", "mv", "rm"];

/** A machine whose tools count their calls, and whose hook dies (SIGKILL, children too) at one of them. */
function countingMachine(): Machine {
  const machine = new Machine();
  for (const tool of writers) {
    renameSync(`${machine.bin}/${tool}`, `${machine.bin}/real-${tool}`);
    machine.fake(tool, readFileSync(join(__dirname, "countingTool.sh"), "utf8"));
  }
  return machine;
}

async function withSteps(machine: Machine, killAt: number, key: string): Promise<number> {
  writeFileSync(`${machine.bin}/steps`, "", { mode: 0o666 });
  await machine.run([], {
    env: { KILL_AT: String(killAt), SIGNOZ_KEY: key },
  });
  return readFileSync(`${machine.bin}/steps`).length;
}

async function killAt(step: number, hadKey: boolean): Promise<void> {
  const machine = countingMachine();
  try {
    writeFileSync(machine.settings, ownSettings);
    if (hadKey) await withSteps(machine, -1, "key-1");
    const before = bytes(machine);
    await withSteps(machine, step, "key-2");

    const killed = bytes(machine);
    if (killed !== before) {
      expect(machine.written().OTEL_EXPORTER_OTLP_HEADERS, `step ${step}`).toContain("key-2");
      expect(JSON.parse(killed ?? "")).toMatchObject({ ...JSON.parse(ownSettings), env: {} });
    }
    await withSteps(machine, -1, "key-2");
    expect(machine.written().OTEL_EXPORTER_OTLP_HEADERS, `step ${step}`).toContain("key-2");
    expect(machine.sourced(`${machine.state}/env`).OTEL_EXPORTER_OTLP_HEADERS).toContain("key-2");
    expect(await machine.run(["uninstall"])).toMatchObject({ code: 0 });
    expect(bytes(machine), `uninstalled after step ${step}`).toBe(ownSettings);
  } finally {
    machine.remove();
  }
}

/**
 * Kills the hook at every `stride`-th step of its first write, or of a later one, and checks that
 * settings.json is the old or the new one, that the next session start recovers and that uninstall
 * still gives back the very bytes.
 * @returns how many steps there were
 */
export async function killEverywhere(hadKey: boolean, stride: number): Promise<number> {
  const whole = countingMachine();
  writeFileSync(whole.settings, ownSettings);
  if (hadKey) await withSteps(whole, -1, "key-1");
  const steps = await withSteps(whole, -1, "key-2");
  whole.remove();
  const waiting: number[] = [];
  for (let step = 1; step <= steps; step += stride) waiting.push(step);
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) await killAt(step, hadKey);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return steps;
}
