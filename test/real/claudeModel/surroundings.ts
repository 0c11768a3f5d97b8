type Env = Record<string, string | number | boolean>;

/** What surrounds one session: the layers of settings beside what the hook wrote, and the shell. */
export interface Surroundings {
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

export const key = "key-of-the-company-1";
const elsewhere = "http://localhost:9";
const env = (values: Env) => ({ env: values });
/** Filled in when all are up: `{gate}` is the gate. */
const proxy = (mode: string): string => `{${mode}}`;
/** The messages API must stay reachable by whatever HTTP client Claude Code uses for it. */
const direct = { no_proxy: "127.0.0.1" };

export const combinations: [string, Surroundings][] = [
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

export const managedCombinations: [string, Surroundings][] = [
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
