import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Machine, which } from "../hooks/engineerMachine";
import { Engineer } from "../real/engineer";
import { startGate } from "../real/gate";
import { silentLink } from "../real/link";
import { startMessagesApi } from "../real/messagesApi";
import { median, type Table } from "./table";

const rounds = 15;

/** Time of the hook at a session start, against starting jq once by sh. */
export async function hook(): Promise<Table> {
  const machines = { warm: new Machine(), hanging: new Machine() };
  const { warm, hanging } = machines;
  for (const machine of Object.values(machines)) machine.fake("gcloud", "echo key-0001");
  hanging.fake("op", "sleep 60");
  const shells = ["dash", "bash"].map(which).filter((path) => path !== undefined);
  try {
    await warm.run();
    const cold = (await hanging.run()).seconds;
    const times = new Map<string, number[]>();
    const time = (name: string, act: () => void) => {
      const began = performance.now();
      act();
      times.set(name, [...(times.get(name) ?? []), (performance.now() - began) / 1000]);
    };
    const start = (machine: Machine, shell: string) =>
      execFileSync(shell, [machine.hook], {
        env: machine.env as NodeJS.ProcessEnv,
        stdio: "ignore",
      });
    for (let round = 0; round < rounds; round++) {
      time("sh -c 'jq -n 1'", () => execFileSync("sh", ["-c", "jq -n 1"]));
      for (const shell of shells) time(`warm, ${shell}`, () => start(warm, shell));
      time("after a hanging op", () => start(hanging, "sh"));
    }
    const baseline = median(times.get("sh -c 'jq -n 1'") ?? []);
    const rows = [...times].map(([name, values]) => row(name, median(values), baseline));
    return {
      title: `Hook, seconds (median of ${rounds}; goal: warm at most half the baseline, a hanging op 3 s once)`,
      head: ["", "s", "ratio"],
      rows: [...rows, row("cold with a hanging op, once", cold, baseline)],
    };
  } finally {
    for (const machine of Object.values(machines)) machine.remove();
  }
}

/** Wall time of `claude -p` with the gate in each state, against telemetry off. */
export async function session(): Promise<Table> {
  const api = await startMessagesApi();
  const gate = await startGate({ keys: "key-0001" });
  const silent = await silentLink();
  const caCertificate = gate.certificate.ca;
  const endpoints = {
    "telemetry off": "",
    "telemetry off, a hook that does nothing": "",
    "gate up": `https://localhost:${gate.port}`,
    "gate down": "https://localhost:1",
    "gate silent, noticed by the hook": `https://localhost:${silent.port}`,
    // What no hook can save: Claude Code with the same variables and nothing at its start.
    "gate up, no hook": `https://localhost:${gate.port}`,
    "gate down, no hook": "https://localhost:1",
    "gate silent, noticed, no hook": `https://localhost:${silent.port}`,
    "gate silent, not noticed": `https://localhost:${silent.port}`,
  };
  const engineers = Object.entries(endpoints).map(([name, endpointUrl]) => {
    const engineer = new Engineer(api.url, { hook: { endpointUrl, caCertificate } });
    engineer.fake("gcloud", "echo key-0001");
    return { name, engineer, times: [] as number[] };
  });
  try {
    for (const { name, engineer } of engineers) {
      if (name === "telemetry off") writeFileSync(engineer.settings, "{}");
      if (name.includes("does nothing")) writeFileSync(engineer.hook, "exit 0\n");
      await engineer.session("hello");
    }
    await sleep(4000); // the background look at a silent gate takes 3 s
    for (const { name, engineer } of engineers) {
      const noticed = /SHUTDOWN_TIMEOUT/.test(readFileSync(engineer.settings, "utf8"));
      if (name.includes("silent") && !noticed) throw new Error("the hook did not notice");
      if (name.includes("not noticed")) unnotice(engineer);
      if (name.includes("no hook")) {
        const { env } = JSON.parse(readFileSync(engineer.settings, "utf8"));
        writeFileSync(engineer.settings, JSON.stringify({ env }));
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const { name, engineer, times } of engineers) {
        if (name.includes("not noticed")) unnotice(engineer);
        const { seconds, code } = await engineer.session("hello");
        if (code !== 0) throw new Error(`the session with ${name} ended with ${code}`);
        times.push(seconds);
      }
    }
    const baseline = median(engineers[0]?.times ?? []);
    return {
      title: `Session (claude -p), wall seconds (median of ${rounds}; goal: at most 1.05 times telemetry off, or what any hook costs)`,
      head: ["", "s", "ratio"],
      rows: engineers.map(({ name, times }) => row(name, median(times), baseline)),
    };
  } finally {
    for (const { engineer } of engineers) engineer.remove();
    silent.close();
    api.close();
    await gate.stop();
  }
}

/** Makes the hook believe that it looked a moment ago and found the gate well. */
function unnotice(engineer: Engineer): void {
  const settings = JSON.parse(readFileSync(engineer.settings, "utf8"));
  delete settings.env.CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS;
  writeFileSync(engineer.settings, JSON.stringify(settings));
  writeFileSync(`${engineer.state}/gate`, `${Math.floor(Date.now() / 1000) + 600}\n\n`);
}

function row(name: string, seconds: number, baseline: number): string[] {
  return [name, seconds.toFixed(3), (seconds / baseline).toFixed(2)];
}
