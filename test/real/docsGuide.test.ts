import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeFile } from "../docs/documents";
import { fakeTool, fixture } from "../fakeTool";
import { type Gate, startGate } from "./gate";
import { pythonOtel } from "./parts/pythonOtel";

const guide = "docs/instrumentation-guide.md";
/** What the guide tells a stack to let through for its code. */
const ownNames: string[] = JSON.parse(
  /for the code above\s+`(\[.*\])`/.exec(readFileSync(guide, "utf8"))?.[1] ?? "",
);
const key = "the-shared-ingestion-key-of-this-test";

/** The guide's own code, saved and run as the guide says, against the real collector with the shipped configuration. */
describe("docs/instrumentation-guide.md", () => {
  let gate: Gate;
  // Secret Manager as the guide asks it; the rest is real.
  const gcloud = fakeTool("gcloud", fixture("real/docsGuide/gcloud.sh"));
  const dir = join(gcloud.folder, "service");

  beforeAll(async () => {
    gate = await startGate({ keys: key, rendered: { ownNames } });
    const endpoint = {
      grpc: `127.0.0.1:${gate.port}`,
      url: `https://localhost:${gate.port}`,
      caCertificate: gate.certificate.ca,
    };
    writeFileSync(join(gcloud.folder, "endpoint.json"), JSON.stringify(endpoint));
    writeFileSync(join(gcloud.folder, "key"), key);
    mkdirSync(dir);
    symlinkSync(resolve("node_modules"), join(dir, "node_modules"));
    for (const file of ["otel-env.sh", "telemetry.ts", "checkout.ts", "checkout.py"])
      writeFileSync(join(dir, file), codeFile(guide, file));
  });
  afterAll(() => gate?.stop());

  const run = (command: string, env: NodeJS.ProcessEnv = {}) =>
    new Promise<string>((done) =>
      execFile(
        "sh",
        ["-ec", `. ./otel-env.sh; ${command}`],
        {
          cwd: dir,
          env: {
            ...gcloud.env,
            HOME: gcloud.folder,
            XDG_CONFIG_HOME: join(gcloud.folder, "config"),
            ...env,
          },
          timeout: 60_000,
        },
        (error, stdout, stderr) => done(`${error ?? ""}${stdout}${stderr}`),
      ),
    );

  // biome-ignore lint/suspicious/noExplicitAny: the OTLP JSON tree, read by path.
  const named = (attributes: any[], name: string) =>
    attributes.find((attribute) => attribute.key === name)?.value.stringValue;

  /** What arrived since the last call: `signal service team name` a record. */
  let seen = 0;
  async function arrived(): Promise<string[]> {
    const requests = gate.received().slice(seen);
    seen += requests.length;
    return requests.flatMap(({ resourceMetrics = [], resourceLogs = [], resourceSpans = [] }) =>
      [
        ...resourceMetrics.map((it) => ["metric", it, it.scopeMetrics[0].metrics[0].name] as const),
        ...resourceLogs.map(
          (it) => ["log", it, it.scopeLogs[0].logRecords[0].body.stringValue] as const,
        ),
        ...resourceSpans.map((it) => ["span", it, it.scopeSpans[0].spans[0].name] as const),
      ].map(
        ([signal, { resource }, name]) =>
          `${signal} ${named(resource.attributes, "service.name")} ${named(resource.attributes, "team")} ${name}`,
      ),
    );
  }
  const everything = [
    "log checkout engineering order placed",
    "metric checkout engineering orders",
    "span checkout engineering place order",
  ];

  it("TypeScript: trace, metric and log arrive over TLS with the key", async () => {
    expect(await run("npx tsx checkout.ts")).toBe("");
    expect((await arrived()).sort()).toEqual(everything);
  });

  it("Python: trace, metric and log arrive over TLS with the key", async () => {
    expect(await run("python3 checkout.py", { PYTHONPATH: await pythonOtel() })).not.toMatch(
      /Error|error|Failed/,
    );
    expect((await arrived()).sort()).toEqual(everything);
  });

  it.each([
    [
      "a wrong key",
      "export OTEL_EXPORTER_OTLP_HEADERS=signoz-ingestion-key=wrong;",
      /UNAUTHENTICATED|16/,
    ],
    [
      "no certificate",
      "unset OTEL_EXPORTER_OTLP_CERTIFICATE;",
      /self.signed certificate|CERTIFICATE_VERIFY_FAILED|UNAVAILABLE/,
    ],
  ])(
    "with %s nothing arrives, and both SDKs say what the guide's table says",
    async (_, change, message) => {
      const [typescript, python] = [
        await run(
          `${change} OTEL_LOG_LEVEL=debug OTEL_EXPORTER_OTLP_TIMEOUT=3000 npx tsx checkout.ts`,
        ),
        await run(`${change} OTEL_EXPORTER_OTLP_TIMEOUT=3 python3 checkout.py`, {
          PYTHONPATH: await pythonOtel(),
        }),
      ];
      expect(typescript).toMatch(message);
      expect(python).toMatch(message);
      expect(await arrived()).toEqual([]);
    },
  );
});
