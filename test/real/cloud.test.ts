import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../simulator/freePort";
import { signals } from "../../simulator/otlp";
import { type Gate, OtlpClient, startGate } from "./gate";
import { levels, sample, valuesOf } from "./otlp";
import { recordsOf, SignozCloud, startSender } from "./signozCloud";

const owned = { "signoz-ingestion-key": "dana@palindrom.example.5e3f0b61c2" };
const shared = { "signoz-ingestion-key": "shared-key" };
const cloudKey = "cloud-key-0001";

describe("the gate before SigNoz Cloud", () => {
  let cloud: SignozCloud;
  let gate: Gate;
  let sender: Awaited<ReturnType<typeof startSender>>;
  let senderPort: number;
  let metricsPort: number;
  let queueDir: string;

  beforeEach(async () => {
    cloud = await SignozCloud.make(cloudKey);
    [senderPort, metricsPort] = [await freePort(), await freePort()];
    queueDir = mkdtempSync(join(tmpdir(), "queue-"));
  });
  afterEach(async () => {
    await Promise.all([gate?.stop(), sender?.stop("SIGKILL"), cloud.remove()]);
    rmSync(queueDir, { recursive: true, force: true });
  });

  const open = async () => {
    // Asked here without waiting for a minute; otherwise the shipped configuration.
    const pull = { exporter: { prometheus: { host: "127.0.0.1", port: metricsPort } } };
    gate = await startGate({
      keys: "shared-key\ndana@palindrom.example.5e3f0b61c2",
      senderPort,
      queueDir,
      override: { service: { telemetry: { metrics: { readers: [{ pull }] } } } },
    });
  };
  const send = async (times: number, headers: Record<string, string> = shared) => {
    const client = new OtlpClient(gate);
    const answers: number[] = [];
    for (let i = 0; i < times; i++)
      for (const signal of signals)
        answers.push(await client.send(signal, sample(signal), headers));
    client.close();
    expect(new Set(answers)).toEqual(new Set([0]));
  };
  const all = () => cloud.records();
  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const lines = text
      .split("\n")
      .filter((line) => line.startsWith(name) && line.includes('otlphttp/cloud"'));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };

  it("brings everything there, with the sender's name stamped and no word of what was said", async () => {
    await cloud.start();
    sender = await startSender(senderPort, cloud, cloudKey);
    await open();
    await send(1, owned);
    await expect.poll(() => Math.min(...all()), { timeout: 60_000 }).toBeGreaterThan(0);
    const { resource, record } = levels(cloud.received());
    expect(valuesOf(resource, "engineer")).toContain("dana@palindrom.example");
    expect(valuesOf(resource, "engineer.verified")).toContain("true");
    expect(valuesOf(record, "prompt")).toEqual([]);
    expect(valuesOf(record, "event.name")).toContain("user_prompt");
  });

  it("loses nothing while SigNoz Cloud is away and the collector is killed: clients are told OK", async () => {
    sender = await startSender(senderPort, cloud, cloudKey);
    await open();
    await send(20);
    await gate.stop("SIGKILL");
    await open();
    await cloud.start();
    await expect.poll(all, { timeout: 90_000 }).toEqual(recordsOf(20));
  });

  it("drops nothing for a key that SigNoz Cloud does not know, and sends it with the right one", async () => {
    await cloud.start();
    sender = await startSender(senderPort, cloud, "another-key-0001");
    await open();
    await send(5);
    await expect
      .poll(() => sender.log(), { timeout: 30_000 })
      .toContain("SigNoz Cloud answered 401");
    expect(await metric("otelcol_exporter_queue_size")).toBeGreaterThan(0);
    expect(await metric("otelcol_exporter_send_failed")).toBe(0);
    expect(gate.log()).not.toContain("Dropping data");
    expect(all()).toEqual([0, 0, 0]);
    await sender.stop("SIGTERM");
    sender = await startSender(senderPort, cloud, cloudKey);
    await expect.poll(all, { timeout: 90_000 }).toEqual(recordsOf(5));
    await expect.poll(() => metric("otelcol_exporter_queue_size"), { timeout: 30_000 }).toBe(0);
  });

  it("sends nothing to whom its authority does not know", { tags: "attack/content" }, async () => {
    await cloud.start();
    const stranger = await SignozCloud.make(cloudKey);
    sender = await startSender(senderPort, cloud, cloudKey, { ca: stranger.ca });
    await open();
    await send(1);
    await expect.poll(() => sender.log(), { timeout: 30_000 }).toContain("SigNoz Cloud answered -");
    expect(all()).toEqual([0, 0, 0]);
    expect(await metric("otelcol_exporter_queue_size")).toBeGreaterThan(0);
    await stranger.remove();
  });
});
