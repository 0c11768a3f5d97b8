// The main job on this machine alone: the real program on an in-memory cloud, the hook it renders run by a real
// shell, and what the hook wrote used by the official OpenTelemetry SDK against a gate with the program's own
// certificate and key. Exit 0 when every link holds, 1 when one breaks.
import { execFileSync, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Arrival, arrivals, type Gate } from "../simulator/chain/gate";
import { failed, heading, outcome, printOutputs, printTree, quiet } from "../simulator/chain/print";
import { startReceiver } from "../simulator/chain/receiver";
import { startTunnel } from "../simulator/chain/tunnel";
import { fixtureSettings, type ProgramResult, runProgram } from "../simulator/program.js";
import { costLine } from "./costs/line";

const out = join(__dirname, "../out");
const engineer = { USER: "dana", PALINDROM_TEAM: "research" };

async function main(): Promise<void> {
  heading("The program, on an in-memory cloud");
  const program = await runProgram();
  printTree(program.resources);
  heading("Outputs");
  printOutputs(program.outputs, program.secretOutputs);
  quiet(costLine(fixtureSettings()));
  mkdirSync(out, { recursive: true });
  const hook = join(out, "telemetry-hook.sh");
  writeFileSync(hook, String(program.outputs.telemetryHook), { mode: 0o755 });
  writeFileSync(join(out, "claude-settings.json"), String(program.outputs.claudeSettings));
  quiet("written: out/telemetry-hook.sh, out/claude-settings.json");

  const home = mkdtempSync(join(tmpdir(), "monitoring-start-"));
  try {
    await proveChain(program, hook, home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function proveChain(program: ProgramResult, hook: string, home: string): Promise<void> {
  const [tls, newest] = ["tls", "signoz-ingestion-key"].map((what) => latest(program, what));
  if (!tls || !newest) throw new Error("the program left no certificate or no ingestion key");
  const old = randomBytes(20).toString("hex");
  const gate = await startReceiver(tls, [old, newest]);
  const tunnel = await startTunnel(gate.port);
  try {
    heading("The chain, on loopback");
    quiet(`gate: ${gate.kind}`);
    const written = runHook(hook, home, newest, gate.port);
    outcome("hook", Object.keys(written.variables).length > 0, `variables in ${written.place}`);

    const send = (variables = written.variables) => emit(variables, tunnel.url);
    const complaints = await send();
    for (const signal of ["metric", "log", "span"] as const) {
      const arrival = await waitForArrival(gate, signal);
      outcome(
        signal,
        arrival !== undefined && isOurs(arrival),
        arrival ? describe(arrival) : complaints.join("; "),
      );
    }
    const withKey = (key: string) => ({
      ...written.variables,
      OTEL_EXPORTER_OTLP_HEADERS: key && `signoz-ingestion-key=${key}`,
    });
    await outcomeOf("old key", "accepted", send(withKey(old)));
    gate.accept([newest]);
    await sleep(gate.reloadMs);
    await outcomeOf("old key, once revoked", "refused", send(withKey(old)));
    await outcomeOf("wrong key", "refused", send(withKey(`${newest}x`)));
    await outcomeOf("no key", "refused", send(withKey("")));
    await outcomeOf("newest key", "accepted", send());
  } finally {
    tunnel.stop();
    await gate.stop();
  }
}

/** The payload that Secret Manager gives for a secret's `latest`. */
function latest(program: ProgramResult, what: string): string | undefined {
  return program.cloud.google.secrets.get(`monitoring-${what}-secret-dev`)?.at(-1)?.data;
}

/** Runs the hook as a session start does, and reads back the variables that it left for the next session. */
function runHook(hook: string, home: string, key: string, gatePort: number) {
  const environment = { PATH: process.env.PATH, HOME: home, ...engineer };
  // The hook's own check of the key dials the gate's real name: curl is led to this gate instead.
  writeFileSync(join(home, ".curlrc"), `connect-to = "::127.0.0.1:${gatePort}"\n`);
  execFileSync("sh", [hook], {
    env: { ...environment, SIGNOZ_KEY: key },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const settings = join(home, ".claude/settings.json");
  if (existsSync(settings))
    return {
      place: "~/.claude/settings.json",
      variables: JSON.parse(readFileSync(settings, "utf8")).env,
    };
  // Without jq the hook leaves settings.json alone and keeps the variables for the shell's profile.
  const file = join(home, ".claude/telemetry-hook/env");
  const exported = execFileSync("sh", ["-c", '. "$1" && env', "sh", file], {
    env: {},
    encoding: "utf8",
  });
  const variables = exported.split("\n").flatMap((line) => {
    const [, name, value] = /^((?:OTEL|CLAUDE)_\w+)=(.*)$/.exec(line) ?? [];
    return name ? [[name, value]] : [];
  });
  return { place: "the profile's env file (no jq here)", variables: Object.fromEntries(variables) };
}

/** Exports by the SDK in a process that knows nothing but these variables. */
function emit(variables: Record<string, string>, proxy: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, ...variables, grpc_proxy: proxy };
    const child = fork(join(__dirname, "../simulator/chain/emit.ts"), { env });
    child.once("message", (complaints) => resolve(complaints as string[]));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the exporting process ended with ${code}`)));
  });
}

async function waitForArrival(gate: Gate, signal: Arrival["signal"]): Promise<Arrival | undefined> {
  for (let waitedMs = 0; waitedMs < 3000; waitedMs += 50) {
    const found = arrivals(gate.received()).find((arrival) => arrival.name === `chain.${signal}`);
    if (found) return found;
    await sleep(50);
  }
  return undefined;
}

const describe = ({ name, from }: Arrival) =>
  `${name} arrived from engineer=${from.engineer} team=${from.team} org=${from.org}`;

const isOurs = ({ from }: Arrival) =>
  from.engineer === engineer.USER &&
  from.team === engineer.PALINDROM_TEAM &&
  from.org === "palindrom";

async function outcomeOf(what: string, expected: "accepted" | "refused", sent: Promise<string[]>) {
  const complaints = await sent;
  const refused = complaints.some((complaint) => /UNAUTHENTICATED|\b16\b/.test(complaint));
  const got = refused ? "refused" : complaints.length === 0 ? "accepted" : complaints.join("; ");
  outcome(what, got === expected, got);
}

main().then(
  () => {
    process.exitCode = failed() ? 1 : 0;
  },
  (error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
