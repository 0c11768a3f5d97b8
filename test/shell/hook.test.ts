import { statSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { Machine, shells } from "./machine";

const machines: Machine[] = [];
function machine(options?: ConstructorParameters<typeof Machine>[0]): Machine {
  const made = new Machine(options);
  machines.push(made);
  return made;
}
afterEach(() => {
  for (const made of machines.splice(0)) made.remove();
});

const complete = {
  CLAUDE_CODE_ENABLE_TELEMETRY: "1",
  CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
  OTEL_EXPORTER_OTLP_ENDPOINT: "https://gate.example.test:4317",
  OTEL_EXPORTER_OTLP_HEADERS: "signoz-ingestion-key=key-1",
  OTEL_RESOURCE_ATTRIBUTES: "engineer=alice,team=engineering,org=palindrom",
};

describe.each(shells)("under $name", ({ argv }) => {
  it.skipIf(!argv)("sets settings.json, the session and nothing else", async () => {
    const engineer = machine();
    engineer.fake("gcloud", "echo key-1");
    const before = '{ "model": "opus", "env": { "MY": "1" } }\n';
    writeFileSync(engineer.settings, before);

    const first = await engineer.run([], { shell: argv });
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(first.stdout)).toEqual({
      systemMessage: expect.stringContaining("from the next session on"),
    });
    const expected = { ...complete, OTEL_EXPORTER_OTLP_CERTIFICATE: `${engineer.state}/ca.pem` };
    expect(engineer.written()).toEqual({ MY: "1", ...expected });
    expect(engineer.sourced(engineer.envFile)).toEqual(expected);
    expect(engineer.sourced(`${engineer.state}/env`)).toEqual(expected);
    expect(statSync(`${engineer.state}/key`).mode & 0o777).toBe(0o600);

    const second = await engineer.run([], { shell: argv });
    expect(second).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});
