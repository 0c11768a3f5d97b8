import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { deliveredFiles } from "../../infra/vm/delivery";
import { issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import type { Signal } from "../../simulator/otlp";
import { type Gate, gateName, OtlpClient, startGate } from "./gate";
import { countRecords, firstRecords, sample } from "./otlp";
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
    const { perEngineer, requests } = loadOfOneEngineer();
    const engineers = 1000;
    const seconds = 25;
    const sink = new Sink(await freePort());
    await sink.start();
    const { sending_queue, retry_on_failure } = shipped("exporters.yaml").clickhouselogsexporter;
    gate = await startGate({
      keys: [
        "shared-key",
        ...Array.from({ length: engineers }, (_, i) => `engineer-${i}.0123456789`),
      ].join("\n"),
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
    const clients = Array.from({ length: engineers }, () => new OtlpClient(gate, 60_000));
    // Everybody connects first: a thousand handshakes at once are a different question.
    for (const [i, client] of clients.entries())
      expect(
        await client.send("metrics", Buffer.alloc(0), {
          "signoz-ingestion-key": `engineer-${i}.0123456789`,
        }),
      ).toBe(0);
    const recordsOf = {
      metrics: countRecords("metrics", requests.metrics),
      logs: countRecords("logs", requests.logs),
      traces: countRecords("traces", requests.traces),
    };
    const codes: Record<number, number> = {};
    const latencies: number[] = [];
    const inFlight: Promise<void>[] = [];
    let records = 0;
    let bytes = 0;
    let sent = 0;
    const cpuBefore = cpuSeconds(gate.collectorPid);
    const began = performance.now();
    const elapsed = () => (performance.now() - began) / 1000;
    let peakMib = 0;
    let engineer = 0;
    const schedule = perEngineer.map(({ signal, everySeconds }) => ({
      signal,
      due: 0,
      perSecond: engineers / everySeconds,
    }));
    for (; elapsed() < seconds; await sleep(2)) {
      for (const stream of schedule)
        for (; stream.due < elapsed() * stream.perSecond; stream.due++) {
          const index = engineer++ % engineers;
          const request = requests[stream.signal];
          const at = performance.now();
          sent++;
          bytes += request.length;
          records += recordsOf[stream.signal];
          inFlight.push(
            (clients[index] as OtlpClient)
              .send(stream.signal, request, {
                "signoz-ingestion-key": `engineer-${index}.0123456789`,
              })
              .then((code) => {
                codes[code] = (codes[code] ?? 0) + 1;
                latencies.push(performance.now() - at);
              }),
          );
        }
      peakMib = Math.max(peakMib, residentMib(gate.collectorPid));
    }
    const took = elapsed();
    const cpu = (cpuSeconds(gate.collectorPid) - cpuBefore) / took;
    await Promise.all(inFlight);
    await expect.poll(() => sink.records, { timeout: 180_000 }).toBe(records);
    latencies.sort((a, b) => a - b);
    console.log(
      `1000 engineers: ${(sent / took).toFixed(0)} requests/s, ${(records / took).toFixed(0)} records/s, ` +
        `${(bytes / took / 1024).toFixed(0)} KiB/s over 1000 connections for ${took.toFixed(0)} s; ` +
        `collector ${peakMib.toFixed(0)} MiB, ${cpu.toFixed(2)} CPU, median ${latencies[latencies.length >> 1]?.toFixed(1)} ms; ` +
        `answers ${JSON.stringify(codes)}, records lost ${records - sink.records}`,
    );
    for (const client of clients) client.close();
    sink.stop();
    expect(codes).toEqual({ 0: sent });
    // What services.sh gives the collector at least.
    expect(peakMib).toBeLessThan(1536);
  }, 400_000);
});

/**
 * The recorded session of 10 model calls left 37 log records, 31 spans and 18 datapoints: 4 and 4 a
 * call. Claude Code exports logs and traces every 5 s and metrics every 60 s; an engineer whose agent
 * calls a model in every such interval sends 4 records with each. All engineers at it at once is the
 * most that there can be.
 */
function loadOfOneEngineer() {
  const perEngineer: { signal: Signal; everySeconds: number }[] = [
    { signal: "logs", everySeconds: 5 },
    { signal: "traces", everySeconds: 5 },
    { signal: "metrics", everySeconds: 60 },
  ];
  const requests: Record<Signal, Buffer> = {
    logs: firstRecords("logs", sample("logs"), 4),
    traces: firstRecords("traces", sample("traces"), 4),
    metrics: sample("metrics"),
  };
  return { perEngineer, requests };
}

function shipped(name: string) {
  return parse(deliveredFiles()[name] ?? "", { merge: true });
}
