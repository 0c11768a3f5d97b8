import { beforeAll, describe, expect, it } from "vitest";
import { plain, type Values } from "../../simulator/cloud/values.js";
import { type ProgramResult, runProgram } from "../../simulator/program.js";

describe("a stack without a shared key", () => {
  let program: ProgramResult;
  const versions = (id: string) => program.cloud.google.secrets.get(id)?.map(({ data }) => data);

  beforeAll(async () => {
    program = await runProgram({
      config: {
        ingestionKeyGenerations: [],
        personalKeyEmails: ["Dana.Scully@palindrom.example"],
      },
    });
  });

  it("keeps the secret that others look up, with nothing in it", () => {
    expect(program.outputs.ingestionKeySecret).toBe("monitoring-signoz-ingestion-key-secret-dev");
    expect(versions("monitoring-signoz-ingestion-key-secret-dev") ?? []).toEqual([]);
  });

  it("asks the gate by a key that is nobody's and that only the gate may read", () => {
    const [probe] = versions("monitoring-signoz-ingestion-key-monitoring-probe-secret-dev") ?? [];
    expect(probe).toMatch(/^monitoring-probe\.[A-Za-z0-9]{40}$/);
    const command = program.resources.find(({ type }) => type === "command:local:Command");
    expect(plain<Values>(command?.inputs).environment).toMatchObject({ GATE_KEY: probe });
    const readers = program.resources
      .filter(({ name }) => name.includes("of-monitoring-probe-read-by"))
      .map(({ name }) => name);
    expect(readers).toEqual(["monitoring-dev-ingestion-key-of-monitoring-probe-read-by-gate"]);
  });

  it("gives the gate that key last, where its own check looks", () => {
    const vm = program.resources.find(({ type }) => type === "gcp:compute/instance:Instance");
    const metadata = plain<Record<string, string>>(vm?.inputs.metadata);
    const { secrets } = JSON.parse(metadata["monitoring-settings"] ?? "");
    const of = (owner: string) =>
      `projects/123456789012/secrets/monitoring-signoz-ingestion-key-${owner}-secret-dev/versions/1`;
    expect(secrets.ingestionKeys).toEqual([]);
    expect(secrets.engineerKeys).toEqual([of("dana-scully"), of("monitoring-probe")]);
  });
});
