import { mkdtempSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textsOf } from "../../simulator/texts";
import { message } from "./attacker";
import { type Gate, gateName, startGate } from "./gate";
import { sample } from "./otlp";
import { readLines } from "./pipelines";

const holder = "mallory.0123456789abcdef";
const shared = "shared-key-0123456789";
const mib = 1024 * 1024;

/** What the collector has made of the front's statistics: requests by backend. */
function sessionsOf(path: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { resourceMetrics = [] } of readLines(path))
    for (const { resource, scopeMetrics } of resourceMetrics) {
      const named = (name: string) =>
        (resource.attributes ?? []).find(({ key }: { key: string }) => key === name)?.value
          .stringValue;
      if (named("haproxy.service_name") !== "BACKEND") continue;
      for (const metric of scopeMetrics[0].metrics)
        if (metric.name === "haproxy.sessions.total")
          counts[named("haproxy.proxy_name")] = Number(metric.sum.dataPoints[0].asInt);
    }
  return counts;
}

/** One request with any headers: the grpc-status that it ends with. */
function ask(
  gate: Gate,
  headers: Record<string, string | string[]>,
  body = message(sample("logs")),
  path = "logs.v1.LogsService",
  trailers?: Record<string, string>,
) {
  const session = connect(`https://127.0.0.1:${gate.port}`, {
    ca: gate.certificate.ca,
    servername: gateName,
  });
  return new Promise<string>((resolve) => {
    let said = "nothing";
    session.on("error", () => undefined);
    const stream = session.request(
      {
        ":method": "POST",
        ":path": `/opentelemetry.proto.collector.${path}/Export`,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      },
      { waitForTrailers: trailers !== undefined },
    );
    stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
    const take = (fields: Record<string, unknown>) => {
      if (fields["grpc-status"] !== undefined) said = String(fields["grpc-status"]);
      else if (fields[":status"] !== 200 && fields[":status"] !== undefined)
        said = `HTTP ${fields[":status"]}`;
    };
    stream
      .on("response", take)
      .on("trailers", take)
      .on("error", () => undefined);
    stream.on("close", () => {
      session.destroy();
      resolve(said);
    });
    stream.resume().end(body);
  });
}

type Asked = Parameters<typeof ask> extends [Gate, ...infer Rest] ? Rest : never;
const key = { "signoz-ingestion-key": holder };

describe("what a request may say", () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await startGate({ keys: [holder, shared].join("\n") });
  });
  afterAll(() => gate.stop());

  it.each<[string, ...Asked]>([
    ["gzip", { ...key, "grpc-encoding": "gzip" }, message(gzipSync(sample("logs")), true)],
    ["identity by name", { ...key, "grpc-encoding": "identity" }],
    ["content-type application/grpc+proto", { ...key, "content-type": "application/grpc+proto" }],
  ])("%s is taken", async (_, ...args) => {
    expect(await ask(gate, ...args)).toBe("0");
  });

  it.each<[string, string, Asked]>([
    ["zstd", "12", [{ ...key, "grpc-encoding": "zstd" }]],
    ["snappy", "12", [{ ...key, "grpc-encoding": "snappy" }]],
    ["deflate", "12", [{ ...key, "grpc-encoding": "deflate" }]],
    ["two encodings", "12", [{ ...key, "grpc-encoding": "gzip, identity" }]],
    ...["zstd", "snappy", "gzip"].map((second): [string, string, Asked] => [
      `${second} in a header behind identity's`,
      "12",
      [{ ...key, "grpc-encoding": ["identity", second] }],
    ]),
    ["GZIP in capitals", "12", [{ ...key, "grpc-encoding": "GZIP" }]],
    ["another service", "12", [key, undefined, "profiles.v1development.ProfilesService"]],
    [
      "another service without a key",
      "16",
      [{}, undefined, "profiles.v1development.ProfilesService"],
    ],
    [
      "a path that only looks like one",
      "12",
      [{ ...key, ":path": "/opentelemetry.proto.collector.logs.v1.LogsService/Export/../x" }],
    ],
    ["GET", "12", [{ ...key, ":method": "GET" }, Buffer.alloc(0)]],
    ["JSON", "12", [{ ...key, "content-type": "application/json" }]],
    ["no message at all", "12", [key, Buffer.alloc(0)]],
    ["four bytes", "12", [key, Buffer.alloc(4)]],
    ["more than 4 MiB", "8", [key, message(Buffer.alloc(10), false, 4 * mib + 1)]],
    [
      "more than 4 MiB unpacked",
      "8",
      [{ ...key, "grpc-encoding": "gzip" }, message(gzipSync(Buffer.alloc(4 * mib + 1)), true)],
    ],
    ["packed and not said", "13", [key, message(gzipSync(sample("logs")), true)]],
  ])("%s is refused: %s", { tags: "attack/holder" }, async (_, status, args) => {
    expect(await ask(gate, ...args)).toBe(status);
  });

  it("trailers get no further: for them the collector ends the connection that requests share", {
    tags: "attack/holder",
  }, async () => {
    const trailers = { "x-monitoring-owner": "dana" };
    expect(await ask(gate, key, undefined, undefined, trailers)).toBe("0");
  });

  // On a gate of its own: a stream is counted when it ends, and those of the attacks above take their time.
  it("what was said no to is counted by its reason", async () => {
    const self = { path: join(mkdtempSync(join(tmpdir(), "self-")), "self.jsonl") };
    const own = await startGate({
      keys: holder,
      override: {
        receivers: { haproxy: { collection_interval: "500ms" } },
        exporters: { "file/self": { ...self, flush_interval: "20ms" } },
        service: { pipelines: { "metrics/self": { exporters: ["file/self"] } } },
      },
    });
    try {
      await ask(own, {});
      await ask(own, { "signoz-ingestion-key": "wrong-key-0123456789" });
      await ask(own, key, message(Buffer.alloc(1), false, 0xffffffff));
      await ask(own, { ...key, "grpc-encoding": "br" });
      await ask(own, { ...key, ":method": "PUT" });
      const refused = () =>
        Object.fromEntries(
          Object.entries(sessionsOf(self.path)).filter(
            ([name, count]) => name.startsWith("refused_") && count > 0,
          ),
        );
      await expect
        .poll(refused, { timeout: 20_000 })
        .toEqual({ refused_key: 2, refused_size: 1, refused_encoding: 1, refused_request: 1 });
    } finally {
      await own.stop();
    }
  });

  it("large ones pass: 3 MiB in clear, and packed", async () => {
    const { length } = sample("logs");
    const many = Buffer.concat(
      Array.from({ length: Math.floor((3 * mib) / length) }, () => sample("logs")),
    );
    expect(await ask(gate, key, message(many))).toBe("0");
    expect(
      await ask(gate, { ...key, "grpc-encoding": "gzip" }, message(gzipSync(many), true)),
    ).toBe("0");
  });

  it.each([
    "x-monitoring-owner",
    "x_monitoring_owner",
    "x-monitoring-owner-",
    "x-engineer",
    "baggage",
    "forwarded",
  ])("the client's header %s never names the owner", { tags: "attack/keys" }, async (name) => {
    const seen = gate.received().length;
    for (const own of [holder, shared])
      expect(await ask(gate, { "signoz-ingestion-key": own, [name]: ["dana", "dana"] })).toBe("0");
    await expect.poll(() => gate.received().length - seen).toBeGreaterThanOrEqual(2);
    const texts = textsOf(gate.received().slice(seen));
    expect(texts.filter((text) => text.includes("dana"))).toEqual([]);
    expect(texts).toContain("mallory");
  });
});
