import { statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Machine, ownSettings, type Ran } from "../../hooks/engineerMachine";
import { bytes, type Fault, faults } from "./faults";

const counts = { faults: 0, runs: 0, settingsLost: 0, startsFailed: 0, otherStdout: 0 };
afterAll(() => console.log(`fault matrix: ${JSON.stringify(counts)}`));

const hookVariables = /^(CLAUDE_CODE_EN|OTEL_)/;

/** Everything in settings.json that is not the hook's, or the bytes when they are no settings. */
function theirs(text: string | null): unknown {
  if (text === null || text === "") return { env: {} };
  try {
    const settings = JSON.parse(text.replace(/^\uFEFF/, ""));
    const env = Object.entries(settings.env ?? {}).filter(([name]) => !hookVariables.test(name));
    return { ...settings, env: Object.fromEntries(env) };
  } catch {
    return text;
  }
}

function isOneMessage(stdout: string): boolean {
  if (stdout === "") return true;
  try {
    const message = JSON.parse(stdout);
    return (
      stdout.indexOf("\n") === stdout.length - 1 && Object.keys(message).join() === "systemMessage"
    );
  } catch {
    return false;
  }
}

function prepared(fault: Fault): Machine {
  const machine = new Machine({ without: fault.without });
  machine.fake("gcloud", "echo key-1");
  if (!fault.without?.includes("curl")) machine.fakeGate("key-1");
  if (fault.settings !== null)
    writeFileSync(machine.settings, fault.settings ?? ownSettings, { mode: 0o640 });
  fault.prepare?.(machine);
  Object.assign(machine.env, fault.env);
  return machine;
}

interface Judged {
  before: string | null;
  after: string | null;
  mode: number;
  runs: Ran[];
  variables: Record<string, string>;
}

/** Two session starts on a machine with the fault: cold and warm. */
async function judge(fault: Fault): Promise<Judged> {
  const machine = prepared(fault);
  try {
    const before = bytes(machine);
    const runs = [await machine.run(), await machine.run()];
    const after = bytes(machine);
    const inSettings = fault.outcome === "settings";
    return {
      before,
      after,
      mode: inSettings ? statSync(machine.settings).mode & 0o777 : 0,
      runs,
      variables:
        fault.outcome === "nothing"
          ? {}
          : inSettings
            ? machine.written()
            : machine.sourced(`${machine.state}/env`),
    };
  } finally {
    machine.remove();
  }
}

describe("whatever is broken, the session starts and the engineer's settings survive", () => {
  const judged = new Map<string, Judged>();
  // All at once, because most of a hang is waiting.
  beforeAll(async () => {
    const waiting = faults.filter((fault) => !fault.skip);
    const worker = async () => {
      for (let fault = waiting.shift(); fault; fault = waiting.shift()) {
        judged.set(fault.name, await judge(fault));
      }
    };
    await Promise.all(Array.from({ length: 12 }, worker));
  }, 120_000);

  it.each(faults.filter((fault) => !fault.skip))("$name", (fault) => {
    const { before, after, mode, runs, variables } = judged.get(fault.name) as Judged;
    counts.faults += 1;
    counts.runs += runs.length;
    counts.startsFailed += runs.filter(({ code, stderr }) => code !== 0 || stderr !== "").length;
    counts.otherStdout += runs.filter(({ stdout }) => !isOneMessage(stdout)).length;
    if (JSON.stringify(theirs(after)) !== JSON.stringify(theirs(before))) counts.settingsLost += 1;

    for (const run of runs) {
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.stdout).toSatisfy(isOneMessage);
      // What hangs takes a minute; a busy machine may need several of the hook's bounds of 3 s.
      expect(run.seconds).toBeLessThan(30);
    }
    if (fault.told) for (const run of runs) expect(run.stdout).toContain(fault.told);
    else expect(runs[1]?.stdout).toBe("");
    expect(theirs(after)).toEqual(theirs(before));
    if (fault.outcome === "settings") expect(mode).toBe(0o600);
    else expect(after).toBe(before);
    if (fault.outcome === "env file") expect(runs[0]?.stdout).toContain("telemetry-hook/env");
    if (fault.outcome === "nothing") return;
    expect(variables.OTEL_EXPORTER_OTLP_HEADERS).toBe("signoz-ingestion-key=key-1");
    if (fault.attributes) expect(variables.OTEL_RESOURCE_ATTRIBUTES).toBe(fault.attributes);
  });
  it.skip.each(faults.filter((fault) => fault.skip))("$name ($skip)", () => undefined);
});
