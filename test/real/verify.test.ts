import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { finished } from "../hooks/engineerMachine";
import { startSignoz } from "../scripts/signoz";
import { startGate } from "./gate";

it("verify-telemetry.sh's marker is a log record to the real collector", async () => {
  const gate = await startGate({ keys: "key-0001" });
  const signoz = await startSignoz({ metrics: [], logs: [], traces: [] });
  try {
    const args = [
      "--url",
      `http://localhost:${signoz.port}`,
      "--email",
      "a@example.test",
      "--send",
    ];
    const script = join(__dirname, "../../scripts/verify-telemetry.sh");
    const env = {
      PATH: process.env.PATH,
      SIGNOZ_PASSWORD: "right",
      GATE_URL: `https://localhost:${gate.port}`,
      GATE_CA_CERTIFICATE: gate.certificate.ca,
      GATE_KEY: "key-0001",
      VERIFY_WAIT_SECONDS: "1",
    };
    await finished(spawn(script, args, { env }));
    const [resourceLogs] = gate.received()[0]?.resourceLogs ?? [];
    expect(resourceLogs.resource.attributes).toEqual([
      { key: "service.name", value: { stringValue: "monitoring-verify" } },
      { key: "engineer.verified", value: { stringValue: "false" } },
    ]);
    const [record] = resourceLogs.scopeLogs[0].logRecords;
    expect(record.body.stringValue).toMatch(/^verify-telemetry \d{4}-/);
    expect(Math.abs(Number(record.timeUnixNano) / 1e6 - Date.now())).toBeLessThan(60_000);
  } finally {
    signoz.close();
    await gate.stop();
  }
});
