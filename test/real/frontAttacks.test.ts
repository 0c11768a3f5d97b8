import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Attacker,
  endHeaders,
  endStream,
  frame,
  head,
  header,
  message,
  newest,
  preface,
  request,
  type,
} from "./attacker";
import { type Gate, gateName, startGate } from "./gate";
import { sample } from "./otlp";
import { readLines } from "./pipelines";
import { residentMib } from "./process";

const holder = "mallory.0123456789abcdef";
const shared = "shared-key-0123456789";
const innocent = "innocent.0123456789abcdef";
const mib = 1024 * 1024;
/** Two bytes that become a whole structure in memory, over and over. */
const structures = (bytes: number, first = 0x0a) => Buffer.alloc(bytes, Buffer.from([first, 0]));
/** Exemplars cost most: 105 bytes of memory a byte. */
const exemplars = (bytes: number) =>
  [7, 1, 7, 2, 2, 1].reduce(
    (inner, field, index) => {
      const length: number[] = [];
      for (let rest = inner.length; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      return index === 0
        ? inner
        : Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), inner]);
    },
    structures(bytes, 0x2a),
  );

interface Attack {
  name: string;
  run(attacker: Attacker, seconds: number): Promise<unknown>;
}

const open = (attacker: Attacker) =>
  attacker.many(1).then(([socket]) => socket as NonNullable<typeof socket>);
/** So many requests at once, each on a connection of its own. */
const bombs =
  (count: number, body: Buffer, key?: string, extra: [string, string][] = []) =>
  async (attacker: Attacker) => {
    for (const socket of await attacker.many(count)) socket.write(request(1, body, { key, extra }));
    await sleep(3000);
  };
/** One connection that sends the same again and again. */
const flood =
  (bytes: (stream: number) => Buffer, { count = 4, reads = true } = {}) =>
  async (attacker: Attacker, seconds: number) => {
    let stream = 1;
    await Promise.all(
      (await attacker.many(count, { reads })).map((socket) =>
        attacker.flood(socket, seconds, () => {
          const first = stream;
          stream += 400;
          return Buffer.concat(Array.from({ length: 200 }, (_, i) => bytes(first + 2 * i)));
        }),
      ),
    );
  };
const packed: [string, string][] = [["grpc-encoding", "gzip"]];

const strangers: Attack[] = [
  {
    name: "gzip bomb of 16 MiB",
    run: bombs(8, message(gzipSync(structures(16 * mib)), true), undefined, packed),
  },
  { name: "4 MiB of structures", run: bombs(16, message(structures(4 * mib))) },
  {
    name: "wrong key and a bomb",
    run: bombs(8, message(gzipSync(structures(16 * mib)), true), "wrong-key-0123456789", packed),
  },
  {
    name: "connect and say nothing",
    run: async (a) => {
      await Promise.all(Array.from({ length: 1200 }, () => a.plain()));
      await sleep(4000);
    },
  },
  {
    name: "TLS and say nothing",
    run: async (a) => {
      for (let i = 0; i < 12; i++) await Promise.all(Array.from({ length: 50 }, () => a.tls()));
      await sleep(4000);
    },
  },
  { name: "preface and say nothing", run: (a) => a.many(600).then(() => sleep(4000)) },
  {
    name: "handshake bit by bit",
    run: async (a, seconds) => {
      const hello = Buffer.from("160301020001000200", "hex");
      const sockets = await Promise.all(Array.from({ length: 300 }, () => a.plain()));
      await Promise.all(sockets.map((socket) => a.drip(socket, hello, 500, seconds)));
    },
  },
  {
    name: "headers bit by bit",
    run: async (a, seconds) => {
      const sockets = await a.many(200);
      await Promise.all(
        sockets.map((socket) => {
          socket.write(frame(type.headers, 0, 1, head()));
          return a.drip(
            socket,
            frame(type.continuation, 0, 1, header("a", "b".repeat(90))),
            200,
            seconds,
          );
        }),
      );
    },
  },
  {
    name: "CONTINUATION without end",
    run: async (a, seconds) => {
      await Promise.all(
        (await a.many(8)).map((socket) => {
          socket.write(frame(type.headers, 0, 1, head()));
          return a.flood(socket, seconds, () =>
            Buffer.concat(
              Array.from({ length: 100 }, () =>
                frame(type.continuation, 0, 1, header("a", "b".repeat(100))),
              ),
            ),
          );
        }),
      );
    },
  },
  {
    name: "HPACK bomb: one entry of the table, 16,000 times",
    run: flood((stream) =>
      frame(
        type.headers,
        endHeaders | endStream,
        stream,
        Buffer.concat([
          head(),
          header("x", "y".repeat(3500), true),
          Buffer.concat(Array.from({ length: 8000 }, () => newest)),
        ]),
      ),
    ),
  },
  {
    name: "headers of 64 KiB",
    run: flood(
      (stream) =>
        frame(
          type.headers,
          endHeaders | endStream,
          stream,
          Buffer.concat([head(), header("x", "y".repeat(16_000))]),
        ),
      { count: 8 },
    ),
  },
  {
    name: "rapid reset",
    run: flood(
      (stream) =>
        Buffer.concat([
          frame(type.headers, endHeaders, stream, head()),
          frame(type.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
        ]),
      { count: 8 },
    ),
  },
  {
    name: "streams without a key, never ended",
    run: flood((stream) => frame(type.headers, endHeaders, stream, head()), { count: 8 }),
  },
  {
    name: "PING without reading",
    run: flood(() => frame(type.ping, 0, 0, Buffer.alloc(8)), { count: 60, reads: false }),
  },
  {
    name: "SETTINGS without reading",
    run: flood(() => frame(type.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])), {
      count: 60,
      reads: false,
    }),
  },
  {
    name: "WINDOW_UPDATE",
    run: flood(() => frame(type.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))),
  },
  {
    name: "PRIORITY",
    run: flood((stream) => frame(type.priority, 0, stream, Buffer.from([0, 0, 0, 0, 1]))),
  },
  { name: "empty DATA", run: flood(() => frame(type.data, 0, 1)) },
  {
    name: "requests without reading the refusals",
    run: flood((stream) => request(stream, message(Buffer.alloc(0))), { count: 30, reads: false }),
  },
  {
    name: "handshakes",
    run: async (a, seconds) => {
      const until = Date.now() + seconds * 1000;
      while (Date.now() < until)
        await Promise.all(
          Array.from({ length: 20 }, () => a.tls().then((socket) => socket.destroy())),
        );
    },
  },
  {
    name: "HTTP/1.1 in TLS",
    run: async (a, seconds) =>
      a.flood(await a.tls({ ALPNProtocols: ["http/1.1"] }), seconds, () =>
        Buffer.from("POST /v1/logs HTTP/1.1\r\nhost: gate.test\r\ncontent-length: 9999999\r\n\r\n"),
      ),
  },
  {
    name: "HTTP/2 in clear",
    run: async (a, seconds) =>
      a.flood(await a.plain(), seconds, () =>
        Buffer.concat([preface, request(1, message(Buffer.alloc(0)))]),
      ),
  },
  {
    name: "upgrade to h2c in clear",
    run: async (a, seconds) =>
      a.flood(await a.plain(), seconds, () =>
        Buffer.from(
          "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
        ),
      ),
  },
  {
    name: "garbage in TLS",
    run: async (a, seconds) => a.flood(await a.tls(), seconds, () => Buffer.alloc(4096, 0xff)),
  },
];

const holders: Attack[] = [
  {
    name: "gzip bombs of 4 MiB",
    run: bombs(16, message(gzipSync(structures(4 * mib - 64)), true), holder, packed),
  },
  {
    name: "gzip bombs of 16 MiB",
    run: bombs(16, message(gzipSync(structures(16 * mib)), true), holder, packed),
  },
  {
    name: "gzip in gzip",
    run: bombs(16, message(gzipSync(gzipSync(structures(64 * mib))), true), holder, packed),
  },
  { name: "exemplars, 4 MiB in clear", run: bombs(16, message(exemplars(4 * mib - 128)), holder) },
  { name: "exemplars, 250 KiB in clear", run: bombs(32, message(exemplars(250 * 1024)), holder) },
  {
    name: "exemplars of 55 KiB, on 32 streams of 30 connections",
    run: async (a) => {
      const body = message(exemplars(55 * 1024));
      for (const socket of await a.many(30))
        for (let stream = 1; stream < 64; stream += 2)
          socket.write(request(stream, body, { key: shared }));
      await sleep(3000);
    },
  },
  {
    name: "a length of 4 GiB",
    run: bombs(200, message(structures(1000), false, 0xffffffff), holder),
  },
  {
    name: "small bodies that never end",
    run: async (a, seconds) => {
      const sockets = await a.many(60);
      for (const socket of sockets)
        for (let stream = 1; stream < 64; stream += 2)
          socket.write(
            Buffer.concat([
              frame(type.headers, endHeaders, stream, head({ key: shared })),
              frame(type.data, 0, stream, message(structures(12_000), false, 50_000)),
            ]),
          );
      await sleep(seconds * 1000);
    },
  },
  {
    name: "medium bodies by both keys and large ones by one, byte by byte",
    run: async (a, seconds) => {
      const sockets = await a.many(60);
      await Promise.all(
        sockets.map(async (socket, index) => {
          const size = index % 2 ? 200_000 : 4_000_000;
          const key = index % 4 === 3 ? shared : holder;
          socket.write(
            Buffer.concat([
              frame(type.headers, endHeaders, 1, head({ key })),
              frame(type.data, 0, 1, message(structures(14_000), false, size)),
            ]),
          );
          for (let i = 0; i < seconds * 5 && socket.writable; i++, await sleep(200))
            socket.write(frame(type.data, 0, 1, Buffer.alloc(1)));
        }),
      );
    },
  },
  {
    name: "requests as fast as it goes",
    run: flood((stream) => request(stream, message(sample("metrics")), { key: holder }), {
      count: 4,
    }),
  },
  {
    name: "answers that nobody reads",
    run: flood((stream) => request(stream, message(Buffer.alloc(0)), { key: holder }), {
      count: 20,
      reads: false,
    }),
  },
  {
    name: "rapid reset with a key",
    run: flood(
      (stream) =>
        Buffer.concat([
          request(stream, message(sample("metrics")), { key: holder }),
          frame(type.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
        ]),
      { count: 4 },
    ),
  },
  {
    name: "a window of nothing",
    run: async (a, seconds) => {
      const socket = await open(a);
      socket.write(frame(type.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])));
      await a.flood(socket, seconds, () => request(1, message(Buffer.alloc(0)), { key: holder }));
    },
  },
  {
    name: "stuff after the message",
    run: bombs(64, Buffer.concat([message(Buffer.alloc(0)), structures(4 * mib)]), holder),
  },
];

/**
 * What an innocent client sees while something goes on: the slowest answer, and how many were not OK. In a thread of
 * its own, since an attacker who writes as fast as it goes leaves no time to anybody else in theirs. The last request is
 * a newcomer's, by a connection of its own.
 */
const watching = `
const { workerData: { port, ca, key, request, path }, parentPort } = require("node:worker_threads");
const { connect } = require("node:http2");
const dial = () => connect("https://127.0.0.1:" + port, { ca, servername: "gate.test" }).on("error", () => {});
const send = (session) => new Promise((resolve) => {
  let status = "none";
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", "signoz-ingestion-key": key });
  const take = (headers) => { status = headers["grpc-status"] ?? status; };
  stream.on("response", take).on("trailers", take).on("error", () => {}).on("close", () => resolve(status)).resume();
  stream.end(Buffer.from(request));
});
const result = { slowestMs: 0, sent: 0, lost: 0 };
const once = async (session) => {
  const at = performance.now();
  if (await send(session) !== "0") result.lost++;
  result.sent++;
  result.slowestMs = Math.max(result.slowestMs, performance.now() - at);
};
let working = true;
parentPort.once("message", () => { working = false; });
(async () => {
  let session = dial();
  while (working) {
    if (session.destroyed || session.closed) session = dial();
    await once(session);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  session.destroy();
  session = dial();
  await once(session);
  session.destroy();
  parentPort.postMessage(result);
})();
`;
async function meanwhile(gate: Gate, attack: () => Promise<unknown>) {
  const worker = new Worker(watching, {
    eval: true,
    workerData: {
      port: gate.port,
      ca: gate.certificate.ca,
      key: innocent,
      request: message(sample("logs")),
      path: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    },
  });
  await sleep(300);
  await attack();
  const said = once(worker, "message");
  worker.postMessage("the attack is over");
  const [result] = await said;
  await worker.terminate();
  return result as { slowestMs: number; sent: number; lost: number };
}

describe("an attack leaves memory bounded, and an innocent client is served within 2 s", () => {
  let gate: Gate;
  const rows: string[] = [];
  beforeAll(async () => {
    gate = await startGate({
      keys: [holder, innocent, shared].join("\n"),
      // As on a machine of 8 GB.
      env: { GOMEMLIMIT: "1057MiB" },
    });
  });
  afterAll(async () => {
    await gate.stop();
    console.log(
      ["attack | front MiB | collector MiB | slowest answer ms | lost", ...rows].join("\n"),
    );
  });

  // A stranger's request never gets to the collector: what that does meanwhile is the innocent client's.
  describe.each([
    ["a stranger", "attack/stranger", strangers, 100, true],
    ["a holder of a key", "attack/holder", holders, 1322, false],
  ] as const)("%s", (who, tags, attacks, collectorMib, besidesBefore) => {
    it.each(attacks)("$name", { tags }, async ({ name, run }) => {
      const attacker = new Attacker(gate);
      const before = [residentMib(gate.pid), residentMib(gate.collectorPid)];
      const peak = [...before];
      const watch = setInterval(() => {
        peak[0] = Math.max(peak[0] as number, residentMib(gate.pid));
        peak[1] = Math.max(peak[1] as number, residentMib(gate.collectorPid));
      }, 50);
      const { slowestMs, sent, lost } = await meanwhile(gate, () => run(attacker, 4));
      clearInterval(watch);
      attacker.leave();
      const [front, collector] = peak.map((it, i) => `${before[i]?.toFixed(0)} → ${it.toFixed(0)}`);
      rows.push(
        `${who}: ${name} | ${front} | ${collector} | ${slowestMs.toFixed(0)} | ${lost} of ${sent}`,
      );
      expect(gate.exited()).toBe(false);
      expect(lost).toBe(0);
      expect(slowestMs).toBeLessThan(2000);
      expect(peak[0]).toBeLessThan(496);
      expect((peak[1] as number) - (besidesBefore ? (before[1] as number) : 0)).toBeLessThan(
        collectorMib,
      );
    });
  });
});

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
) {
  const session = connect(`https://127.0.0.1:${gate.port}`, {
    ca: gate.certificate.ca,
    servername: gateName,
  });
  return new Promise<string>((resolve) => {
    let said = "nothing";
    session.on("error", () => undefined);
    const stream = session.request({
      ":method": "POST",
      ":path": `/opentelemetry.proto.collector.${path}/Export`,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
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
    const text = JSON.stringify(gate.received().slice(seen));
    expect(text).not.toContain("dana");
    expect(text).toContain("mallory");
  });
});
