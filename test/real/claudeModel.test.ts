import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engineer } from "./engineer";
import { type Gate, startGate } from "./gate";
import { type MessagesApi, startMessagesApi } from "./messagesApi";
import { claude } from "./parts/claude";

type Env = Record<string, string | number | boolean>;

/** What surrounds one session: the layers of settings beside what the hook wrote, and the shell. */
interface Surroundings {
  user?: Env;
  /** Of settings.json beside env. */
  userSettings?: object;
  project?: object;
  local?: object;
  managed?: object;
  dropIns?: Record<string, object>;
  remote?: object;
  shell?: Record<string, string>;
}

const key = "key-of-the-company-1";
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

const elsewhere = "http://localhost:9";
const env = (values: Env) => ({ env: values });
const proxy = (mode: string): string => `{${mode}}`;
/** The messages API must stay reachable by whatever HTTP client Claude Code uses for it. */
const direct = { no_proxy: "127.0.0.1" };

const combinations: [string, Surroundings][] = [
  ["nothing else", {}],
  // Proxies: names, letters, what exempts, how they fail, and the layer that names them.
  ...(["refuses", "passes", "silent", "down", "unresolvable"] as const).flatMap(
    (mode): [string, Surroundings][] =>
      ["grpc_proxy", "https_proxy", "http_proxy"].map((name) => [
        `${name} ${mode}`,
        { shell: { [name]: proxy(mode), ...direct } },
      ]),
  ),
  ...["GRPC_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "all_proxy"].map(
    (name): [string, Surroundings] => [
      `${name} refuses`,
      { shell: { [name]: proxy("refuses"), ...direct } },
    ],
  ),
  [
    "grpc_proxy before https_proxy",
    { shell: { grpc_proxy: proxy("passes"), https_proxy: proxy("refuses"), ...direct } },
  ],
  [
    "an empty grpc_proxy is none",
    { shell: { grpc_proxy: "", https_proxy: proxy("refuses"), ...direct } },
  ],
  [
    "no_proxy names the gate",
    { shell: { https_proxy: proxy("refuses"), no_proxy: "127.0.0.1,localhost" } },
  ],
  [
    "no_proxy ends like the gate",
    { shell: { https_proxy: proxy("refuses"), no_proxy: "127.0.0.1,host" } },
  ],
  [
    "no_proxy with a blank",
    { shell: { https_proxy: proxy("refuses"), no_proxy: "127.0.0.1, localhost" } },
  ],
  ["no_proxy *", { shell: { https_proxy: proxy("refuses"), no_proxy: "*" } }],
  [
    "no_proxy with an empty entry",
    { shell: { https_proxy: proxy("refuses"), no_proxy: "127.0.0.1," } },
  ],
  [
    "no_proxy with a port",
    { shell: { https_proxy: proxy("refuses"), no_proxy: "127.0.0.1,localhost:4317" } },
  ],
  [
    "no_grpc_proxy before no_proxy",
    {
      shell: {
        https_proxy: proxy("refuses"),
        no_grpc_proxy: "x.test",
        no_proxy: "127.0.0.1,localhost",
      },
    },
  ],
  [
    "NO_PROXY in capitals",
    { shell: { https_proxy: proxy("refuses"), NO_PROXY: "127.0.0.1,localhost", ...direct } },
  ],
  ["a proxy that is no http:// URL", { shell: { grpc_proxy: "socks5://127.0.0.1:1", ...direct } }],
  ["a proxy without a scheme", { shell: { grpc_proxy: "127.0.0.1:1", ...direct } }],
  ["a proxy of user settings", { user: { grpc_proxy: proxy("refuses"), ...direct } }],
  [
    "a proxy of user settings over the shell's",
    { user: { https_proxy: "" }, shell: { https_proxy: proxy("refuses"), ...direct } },
  ],
  ["a proxy of project settings", { project: env({ grpc_proxy: proxy("refuses"), ...direct }) }],
  ["a proxy of local settings", { local: env({ https_proxy: proxy("silent"), ...direct }) }],
  [
    "local settings over project settings",
    { local: env({ https_proxy: "" }), project: env({ https_proxy: proxy("refuses"), ...direct }) },
  ],
  // Opt-outs, in each layer and spelling.
  ...["0", "", "false", "2", "enabled", "TRUE", " yes ", "on"].map(
    (value): [string, Surroundings] => [
      `user settings: CLAUDE_CODE_ENABLE_TELEMETRY is ${JSON.stringify(value)}`,
      { user: { CLAUDE_CODE_ENABLE_TELEMETRY: value } },
    ],
  ),
  ["the number 0", { user: { CLAUDE_CODE_ENABLE_TELEMETRY: 0 } }],
  ["the shell's opt-out loses against settings", { shell: { CLAUDE_CODE_ENABLE_TELEMETRY: "0" } }],
  [
    "a project's opt-out is not heeded",
    { project: env({ CLAUDE_CODE_ENABLE_TELEMETRY: "0", OTEL_LOGS_EXPORTER: "none" }) },
  ],
  ["one signal off", { user: { OTEL_LOGS_EXPORTER: "none" } }],
  ["an exporter that does not exist", { user: { OTEL_LOGS_EXPORTER: "bogus" } }],
  ["traces without the beta", { user: { CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "0" } }],
  ["OTEL_SDK_DISABLED", { shell: { OTEL_SDK_DISABLED: "true" } }],
  // Values that lose or spoil the data.
  ["a time-out meant in seconds, in the shell", { shell: { OTEL_EXPORTER_OTLP_TIMEOUT: "10" } }],
  ["the same in project settings", { project: env({ OTEL_EXPORTER_OTLP_TIMEOUT: "10" }) }],
  [
    "the same for one signal in project settings",
    { project: env({ OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "1" }) },
  ],
  ["a sampler that takes nothing, in the shell", { shell: { OTEL_TRACES_SAMPLER: "always_off" } }],
  ["the same in project settings", { project: env({ OTEL_TRACES_SAMPLER: "always_off" }) }],
  ["no metric interval", { project: env({ OTEL_METRIC_EXPORT_INTERVAL: "0" }) }],
  ["no time at the exit", { project: env({ CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS: "1" }) }],
  [
    "cumulative sums",
    { project: env({ OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "cumulative" }) },
  ],
  ["another service name", { project: env({ OTEL_SERVICE_NAME: "shop" }) }],
  [
    "a header that gRPC cannot send",
    { user: { OTEL_EXPORTER_OTLP_HEADERS: `signoz-ingestion-key=${key},a b=c` } },
  ],
  [
    "the key in another spelling",
    { user: { OTEL_EXPORTER_OTLP_HEADERS: ` Signoz-Ingestion-Key = ${key.replace("-", "%2D")} ` } },
  ],
  ["another key", { user: { OTEL_EXPORTER_OTLP_HEADERS: "signoz-ingestion-key=some-other-key" } }],
  [
    "a certificate file that is not there",
    { user: { OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem" } },
  ],
  // Other destinations.
  ["another endpoint in the shell loses", { shell: { OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere } }],
  [
    "one signal's endpoint in the shell loses",
    { shell: { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: elsewhere } },
  ],
  [
    "one signal's protocol in the shell loses",
    { shell: { OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "http/json" } },
  ],
  [
    "one signal's endpoint in project settings",
    { project: env({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: elsewhere }) },
  ],
  [
    "one signal's endpoint in user settings",
    { user: { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: elsewhere } },
  ],
  ["another protocol in user settings", { user: { OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" } }],
  ["the endpoint spelt with a path", { user: { OTEL_EXPORTER_OTLP_ENDPOINT: "{gate}/v1/ " } }],
  [
    "what an organization serves, unseen with an API key",
    { remote: env({ CLAUDE_CODE_ENABLE_TELEMETRY: "0" }) },
  ],
  // Hooks switched off.
  ["disableAllHooks, user", { userSettings: { disableAllHooks: true } }],
  ["disableAllHooks, project", { project: { disableAllHooks: true } }],
  [
    "disableAllHooks, local over project",
    { project: { disableAllHooks: true }, local: { disableAllHooks: false } },
  ],
  ["CLAUDE_CODE_SIMPLE", { shell: { CLAUDE_CODE_SIMPLE: "1" } }],
  ["CLAUDE_CODE_SAFE_MODE of user settings", { user: { CLAUDE_CODE_SAFE_MODE: "1" } }],
  ["CLAUDE_CODE_SAFE_MODE of project settings", { project: env({ CLAUDE_CODE_SAFE_MODE: "1" }) }],
];

const managedCombinations: [string, Surroundings][] = [
  ["managed: off", { managed: env({ CLAUDE_CODE_ENABLE_TELEMETRY: "0" }) }],
  [
    "managed: off by a drop-in",
    { dropIns: { "50-a.json": env({ CLAUDE_CODE_ENABLE_TELEMETRY: "" }) } },
  ],
  [
    "managed: a later drop-in wins",
    {
      dropIns: {
        "50-a.json": env({ CLAUDE_CODE_ENABLE_TELEMETRY: "0" }),
        "60-b.json": env({ CLAUDE_CODE_ENABLE_TELEMETRY: "1" }),
      },
    },
  ],
  [
    "managed: a drop-in over the file",
    {
      managed: env({ CLAUDE_CODE_ENABLE_TELEMETRY: "1" }),
      dropIns: { "50-a.json": env({ CLAUDE_CODE_ENABLE_TELEMETRY: "0" }) },
    },
  ],
  [
    "managed: a hidden drop-in does not count",
    { dropIns: { ".a.json": env({ CLAUDE_CODE_ENABLE_TELEMETRY: "0" }) } },
  ],
  ["managed: another endpoint", { managed: env({ OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere }) }],
  ["managed: our endpoint", { managed: env({ OTEL_EXPORTER_OTLP_ENDPOINT: "{gate}" }) }],
  [
    "managed: one signal's endpoint",
    { managed: env({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: elsewhere }) },
  ],
  ["managed: one exporter is none", { managed: env({ OTEL_METRICS_EXPORTER: "none" }) }],
  ["managed: a proxy", { managed: env({ grpc_proxy: proxy("refuses"), ...direct }) }],
  ["managed: no hooks", { managed: { disableAllHooks: true } }],
  [
    "managed: hooks back on",
    { userSettings: { disableAllHooks: true }, managed: { disableAllHooks: false } },
  ],
  ["managed: only managed hooks", { managed: { allowManagedHooksOnly: true } }],
  ["managed: only plugins", { managed: { strictPluginOnlyCustomization: true } }],
];

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
