import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { deliveredFiles } from "../../infra/vm/delivery";
import { issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { type Gate, gateName, OtlpClient, startGate } from "./gate";
import { connected, keyOf, sendAs } from "./load";
import { defaultMemory } from "./machine/memory";
import { sample } from "./otlp";
import { storedIn } from "./pipelines";
import { cpuSeconds, residentMib } from "./process";
import { Sink } from "./sink";

let gate: Gate;
afterEach(() => gate.stop());

describe("rotation of the key under load", () => {
  it("loses no request of a client that changes over while both are accepted", async () => {
    const [old, next] = ["old-generation-key", "new-generation-key"];
    gate = await startGate({
      keys: old,
      // The new certificate is of another authority, which a client that dials anew would not trust.
      limits: { GATE_REQUESTS_PER_CONNECTION: 100_000 },
      override: { service: { pipelines: { "metrics/stored": { exporters: ["nop"] } } } },
    });
    const renewed = await issueCertificate([gateName]);
    const clients = Array.from({ length: 8 }, () => new OtlpClient(gate));
    const request = sample("metrics");
    const refused: { second: number; key: string; code: number }[] = [];
    const inFlight: Promise<void>[] = [];
    let key = old;
    let sent = 0;
    const began = performance.now();
    const second = () => (performance.now() - began) / 1000;
    const steps = [
      { at: 5, act: () => gate.setCertificate(renewed) },
      { at: 10, act: () => gate.setKeys(`${old}\n${next}`) },
      {
        at: 15,
        act: () => {
          key = next;
        },
      },
      { at: 20, act: () => gate.setKeys(next) },
    ];
    for (const perSecond = 220; second() < 30; await sleep(2)) {
      while (steps[0] && second() >= steps[0].at) steps.shift()?.act();
      for (; sent < second() * perSecond; sent++) {
        const used = key;
        const client = clients[sent % clients.length] as OtlpClient;
        inFlight.push(
          client.send("metrics", request, { "signoz-ingestion-key": used }).then((code) => {
            if (code !== 0) refused.push({ second: second(), key: used, code });
          }),
        );
      }
    }
    const seconds = second();
    await Promise.all(inFlight);
    expect(refused).toEqual([]);
    expect(sent / seconds).toBeGreaterThan(200);
    // Revoked while its client's connection goes on: by the file, by the socket, until the first refusal.
    const client = clients[0] as OtlpClient;
    gate.setKeys(`${old}\n${next}`);
    expect(await client.send("metrics", request, { "signoz-ingestion-key": old })).toBe(0);
    const revokedAt = performance.now();
    gate.setKeys(next);
    expect(await client.send("metrics", request, { "signoz-ingestion-key": old })).toBe(16);
    const refusedMs = performance.now() - revokedAt;
    for (const one of clients) one.close();
    console.log(
      `rotation: ${sent} requests in ${seconds.toFixed(1)} s, ${refused.length} refused, one renewal of the certificate; a revoked key refused after ${refusedMs.toFixed(0)} ms`,
    );
  }, 60_000);
});

describe("a thousand engineers", () => {
  it("are held without loss", async () => {
    const engineers = 1000;
    const seconds = 25;
    const sink = new Sink(await freePort());
    await sink.start();
    const { sending_queue, retry_on_failure } = shipped("exporters.yaml").clickhouselogsexporter;
    gate = await startGate({
      keys: ["shared-key", ...Array.from({ length: engineers }, (_, index) => keyOf(index))].join(
        "\n",
      ),
      override: {
        exporters: {
          "otlp/store": {
            endpoint: `127.0.0.1:${sink.port}`,
            tls: { insecure: true },
            timeout: "45s",
            sending_queue,
            retry_on_failure,
          },
        },
        service: { pipelines: storedIn("otlp/store") },
      },
    });
    const clients = await connected(engineers, () => new OtlpClient(gate, 60_000));
    let peakMib = 0;
    const watching = setInterval(() => {
      peakMib = Math.max(peakMib, residentMib(gate.collectorPid));
    }, 20);
    const cpuBefore = cpuSeconds(gate.collectorPid);
    const sent = await sendAs(clients, seconds);
    const cpu = (cpuSeconds(gate.collectorPid) - cpuBefore) / sent.seconds;
    clearInterval(watching);
    const { records, codes, latenciesMs } = sent;
    const requests = latenciesMs.length;
    const perSecond = (count: number) => (count / sent.seconds).toFixed(0);
    await expect.poll(() => sink.records, { timeout: 180_000 }).toBe(records);
    console.log(
      `1000 engineers: ${perSecond(requests)} requests/s, ${perSecond(records)} records/s, ` +
        `${perSecond(sent.bytes / 1024)} KiB/s over 1000 connections for ${sent.seconds.toFixed(0)} s; ` +
        `collector ${peakMib.toFixed(0)} MiB, ${cpu.toFixed(2)} CPU, median ${latenciesMs[requests >> 1]?.toFixed(1)} ms; ` +
        `answers ${JSON.stringify(codes)}, records lost ${records - sink.records}`,
    );
    sink.stop();
    expect(codes).toEqual({ 0: requests });
    expect(peakMib).toBeLessThan(defaultMemory.collector);
  }, 400_000);
});

function shipped(name: string) {
  return parse(deliveredFiles()[name] ?? "", { merge: true });
}
