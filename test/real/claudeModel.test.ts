import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  combinations,
  key,
  managedCombinations,
  type Surroundings,
} from "./claudeModel/surroundings";
import { Engineer } from "./engineer";
import { type Gate, startGate } from "./gate";
import { type MessagesApi, startMessagesApi } from "./messagesApi";
import { claude } from "./parts/claude";

const isRoot = process.getuid?.() === 0;
let api: MessagesApi;
let gate: Gate;
let alice: Engineer;
const proxies: Record<string, { url: string; server?: Server }> = {};
const listen = (server: Server): Promise<string> =>
  new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}`),
    ),
  );

/** A proxy that answers CONNECT with 403, passes it on to the gate, or never says a word. */
async function startProxy(mode: "refuses" | "passes" | "silent"): Promise<void> {
  const server =
    mode === "silent"
      ? createServer((client) => client.on("error", () => undefined).resume())
      : createHttpServer().on("connect", (_request, client) => {
          client.on("error", () => undefined);
          if (mode === "refuses") return client.end("HTTP/1.1 403 no\r\n\r\n");
          const upstream = connect(gate.port, "127.0.0.1", () => {
            client.write("HTTP/1.1 200 ok\r\n\r\n");
            upstream.pipe(client).pipe(upstream);
          });
          return upstream.on("error", () => client.destroy());
        });
  proxies[mode] = { url: await listen(server), server };
}

beforeAll(async () => {
  await claude();
  api = await startMessagesApi();
  gate = await startGate({ keys: key });
  await Promise.all([startProxy("refuses"), startProxy("passes"), startProxy("silent")]);
  proxies.down = { url: "http://127.0.0.1:1" };
  proxies.unresolvable = { url: "http://proxy.invalid:3128" };
  const hook = {
    endpointUrl: `https://localhost:${gate.port}`,
    caCertificate: gate.certificate.ca,
    onePasswordReference: "",
  };
  alice = new Engineer(api.url, { hook });
  alice.env.NO_PROXY = "127.0.0.1"; // for the messages API; capitals, which gRPC does not read
  alice.fake("gcloud", `echo ${key}`);
  await alice.run(["refresh"]);
  cpSync(`${alice.home}/.claude`, `${alice.root}/set-up`, { recursive: true });
  if (isRoot)
    cpSync("/etc", `${alice.root}/etc`, { recursive: true, verbatimSymlinks: true, force: true });
});
afterAll(async () => {
  await alice?.settled();
  alice?.remove();
  for (const { server } of Object.values(proxies)) server?.close();
  api?.close();
  await gate?.stop();
});

function filled<T>(value: T): T {
  const text = JSON.stringify(value ?? {}).replace(/\{([a-z]+)\}/g, (whole, name: string) =>
    name === "gate" ? `https://localhost:${gate.port}` : (proxies[name]?.url ?? whole),
  );
  return JSON.parse(text);
}

/** Puts the surroundings where Claude Code looks for them. */
function arrange(given: Surroundings): void {
  rmSync(`${alice.home}/.claude`, { recursive: true });
  cpSync(`${alice.root}/set-up`, `${alice.home}/.claude`, { recursive: true });
  rmSync(`${alice.project}/.claude`, { recursive: true, force: true });
  rmSync(`${alice.root}/hook-ran`, { force: true });
  const settings = JSON.parse(alice.settingsText());
  settings.hooks.SessionStart.push({
    hooks: [{ type: "command", command: `touch "${alice.root}/hook-ran"` }],
  });
  Object.assign(settings, filled(given.userSettings));
  Object.assign(settings.env, filled(given.user));
  alice.save(alice.settings, JSON.stringify(settings));
  const save = (path: string, value: object | undefined) => {
    if (value) alice.save(path, JSON.stringify(filled(value)));
  };
  save(`${alice.project}/.claude/settings.json`, given.project);
  save(`${alice.project}/.claude/settings.local.json`, given.local);
  save(`${alice.home}/.claude/remote-settings.json`, given.remote);
  if (!isRoot) return;
  const managed = `${alice.root}/etc/claude-code`;
  rmSync(managed, { recursive: true, force: true });
  mkdirSync(managed);
  save(`${managed}/managed-settings.json`, given.managed);
  for (const [name, value] of Object.entries(given.dropIns ?? {}))
    save(`${managed}/managed-settings.d/${name}`, value);
}

interface Finding {
  status: string;
  check: string;
  detail: string;
}

/** What doctor says of the surroundings: the signals that will arrive, and whether hooks run. */
async function foretold(shell: Record<string, string>, etc: string | undefined) {
  const before = { ...alice.env };
  Object.assign(alice.env, shell);
  const doctor = etc
    ? await alice.inEtc(etc, ["doctor", "--json"])
    : await alice.run(["doctor", "--json"], { cwd: alice.project });
  alice.env = before;
  const findings: Finding[] = JSON.parse(doctor.stdout);
  const sound = findings.find(({ status, check }) => status === "pass" && check === "variables");
  const accepted =
    findings.some(({ status, check }) => status === "pass" && check === "accepted") &&
    !findings.some(
      ({ status, check }) =>
        status === "fail" && ["accepted", "DNS", "TCP", "TLS", "proxy", "gate"].includes(check),
    );
  const signals = accepted ? (sound?.detail.replace("in place for", "") ?? "") : "";
  return {
    signals: signals.trim().split(" ").filter(Boolean).sort(),
    hooks: !findings.some(({ check, detail }) => check === "hook" && detail.includes("no hooks")),
    code: doctor.code,
    findings,
  };
}

const names: Record<string, string> = {
  resourceLogs: "LOGS",
  resourceMetrics: "METRICS",
  resourceSpans: "TRACES",
};

/** What a real session then does. */
async function happened(shell: Record<string, string>, etc: string | undefined) {
  const before = gate.received().length;
  const session = await alice.session("hello", { env: shell, etc });
  await sleep(400);
  const signals = gate
    .received()
    .slice(before)
    .flatMap((request) => Object.keys(request));
  return {
    signals: [...new Set(signals.map((signal) => names[signal] ?? signal))].sort(),
    hooks: existsSync(`${alice.root}/hook-ran`),
    code: session.code,
  };
}

const table = { combinations: 0, arrived: 0, partly: 0, nothing: 0, hooksOff: 0, disagreements: 0 };

describe("the hook's model of Claude Code says what the real one then does", () => {
  afterAll(() => console.log(`model of Claude Code: ${JSON.stringify(table)}`));
  const compare = async (given: Surroundings, etc?: string) => {
    arrange(given);
    const shell = filled(given.shell ?? {});
    const model = await foretold(shell, etc);
    const real = await happened(shell, etc);
    await alice.settled();
    table.combinations += 1;
    table[real.signals.length === 3 ? "arrived" : real.signals.length ? "partly" : "nothing"] += 1;
    if (!real.hooks) table.hooksOff += 1;
    const agree =
      String(model.signals) === String(real.signals) &&
      model.hooks === real.hooks &&
      (real.signals.length === 0) <= (model.code === 1);
    if (!agree) table.disagreements += 1;
    expect({ signals: model.signals, hooks: model.hooks }, JSON.stringify(model.findings)).toEqual({
      signals: real.signals,
      hooks: real.hooks,
    });
    // doctor's exit status: never 0 when nothing arrives, never 1 when everything does.
    if (real.signals.length === 0) expect(model.code).toBe(1);
    if (real.signals.length === 3) expect(model.code).toBe(0);
  };
  it.each(combinations)("%s", (_name, given) => compare(given));
  it.skipIf(!isRoot).each(managedCombinations)("%s (needs root)", (_name, given) =>
    compare(given, `${alice.root}/etc`),
  );
});
