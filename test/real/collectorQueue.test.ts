import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { deliveredFiles } from "../../infra/vm/delivery";
import { freePort } from "../../simulator/freePort";
import { encode } from "../../simulator/otlp";
import { cloudEnvironment, type Gate, OtlpClient, startGate } from "./gate";
import { sample } from "./otlp";
import { signozExporters } from "./parts/collector";
import { storedIn } from "./pipelines";
import { one } from "./requests";
import { behindQueue, Sink } from "./sink";

const shipped = (name: string) => join(__dirname, "../../infra/gate", name);
const exporters = parse(readFileSync(shipped("exporters.yaml"), "utf8"), { merge: true });
const recordsOfSample = 37;
const key = { "signoz-ingestion-key": "shared-key" };

function behind(port: number, queue: object = {}) {
  return {
    exporters: { "otlp/store": behindQueue(port, queue) },
    service: { pipelines: storedIn("otlp/store") },
  };
}

describe("what the gate has said OK to", () => {
  const queueDir = mkdtempSync(join(tmpdir(), "queue-"));
  let gate: Gate;
  let sink: Sink;
  afterEach(async () => {
    sink.stop();
    await gate.stop();
    rmSync(queueDir, { recursive: true, force: true });
  });

  const send = async (times: number) => {
    const client = new OtlpClient(gate);
    const answers: number[] = [];
    for (let i = 0; i < times; i++) answers.push(await client.send("logs", sample("logs"), key));
    client.close();
    return answers;
  };

  it("survives a store that is down and a collector that is killed", async () => {
    sink = new Sink(await freePort());
    gate = await startGate({ keys: "shared-key", queueDir, override: behind(sink.port) });
    expect(new Set(await send(20))).toEqual(new Set([0]));
    await gate.stop("SIGKILL");
    await sink.start();
    gate = await startGate({ keys: "shared-key", queueDir, override: behind(sink.port) });
    await expect.poll(() => sink.records, { timeout: 60_000 }).toBe(20 * recordsOfSample);
  });

  it("is all there is: a full queue is an error that the client sees", async () => {
    sink = new Sink(await freePort());
    const override = behind(sink.port, { queue_size: 400_000 });
    gate = await startGate({ keys: "shared-key", queueDir, override });
    const answers = await send(40);
    const accepted = answers.filter((answer) => answer === 0).length;
    expect(accepted).toBeGreaterThan(5);
    expect(new Set(answers.slice(-10))).toEqual(new Set([14]));
    await sink.start();
    // As store-guard.sh does.
    await gate.stop();
    gate = await startGate({ keys: "shared-key", queueDir, override });
    await expect.poll(() => sink.records, { timeout: 60_000 }).toBe(accepted * recordsOfSample);
  });
});

describe("counts of what was held back", () => {
  it("are let go when their own queue is full, and cost no client a record", async () => {
    const { service } = parse(readFileSync(shipped("otel-collector.yaml"), "utf8"), {
      merge: true,
    });
    const { retry_on_failure } = exporters["signozclickhousemetrics/self"];
    const override = {
      exporters: {
        "otlp/dead": {
          endpoint: `127.0.0.1:${await freePort()}`,
          tls: { insecure: true },
          sending_queue: { enabled: true, sizer: "bytes", queue_size: 3000, num_consumers: 1 },
          retry_on_failure,
        },
      },
      service: {
        pipelines: {
          "metrics/counts": {
            processors: service.pipelines["metrics/counts"].processors,
            exporters: ["otlp/dead"],
          },
        },
      },
    };
    const gate = await startGate({ keys: "shared-key", override });
    onTestFinished(() => gate.stop());
    const client = new OtlpClient(gate);
    onTestFinished(() => client.close());
    const name = (index: number) => `something-said-by-number-${index}`;
    const answers = new Set<number>();
    for (let index = 0; index < 100; index++) {
      const record = { attributes: [{ key: name(index), value: { stringValue: "x" } }] };
      answers.add(await client.send("logs", encode("logs", [one("logs", { record })]), key));
    }
    expect(answers).toEqual(new Set([0]));
    // Which the batch tells of, up to 5 s later.
    await expect.poll(() => gate.log(), { timeout: 30_000 }).toContain("Sender failed");
    expect(gate.received()).toHaveLength(100);
  });
});

describe("exporters.yaml", () => {
  let binary: string;
  // Built the first time: longer than a test may take.
  beforeAll(async () => {
    binary = await signozExporters();
  }, 900_000);
  it("is what SigNoz's own exporters take, and those of SigNoz Cloud without a ClickHouse", () => {
    const dir = mkdtempSync(join(tmpdir(), "exporters-"));
    const validate = (text: string, env: Record<string, string> = {}) => {
      const config = readFileSync(shipped("otel-collector.yaml"), "utf8").replaceAll(
        "/var/lib/otelcol",
        dir,
      );
      writeFileSync(join(dir, "exporters.yaml"), text);
      writeFileSync(join(dir, "processors.yaml"), deliveredFiles()["processors.yaml"] ?? "");
      writeFileSync(join(dir, "config.yaml"), config.replaceAll("/etc/otelcol", dir));
      return spawnSync(binary, ["validate", "--config", join(dir, "config.yaml")], {
        env: { CLICKHOUSE_PASSWORD: "secret", CLICKHOUSE_ADDRESS: "127.0.0.1:1", ...env },
        encoding: "utf8",
      });
    };
    const text = readFileSync(shipped("exporters.yaml"), "utf8");
    // The whole configuration is accepted; what is missing here is a ClickHouse to connect to.
    expect(validate(text).stderr).toMatch(
      /failed to create "\w+" exporter .*127.0.0.1:1: connect: connection refused/,
    );
    expect(validate(text.replace("use_new_schema", "use_new_scheme")).stderr).toContain(
      "invalid keys: use_new_scheme",
    );
    const inCloud = validate(text, cloudEnvironment());
    expect(inCloud.status, inCloud.stderr).toBe(0);
    rmSync(dir, { recursive: true });
  });
});
