import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { encode } from "../../../simulator/otlp";
import {
  type Attacker,
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
} from "../attacker";
import { sample } from "../otlp";
import { asList, attributes, field, nestedLists, one } from "../requests";

/** Keys of an attacker who has one. */
export const holder = "mallory.0123456789abcdef";
export const shared = "shared-key-0123456789";
const mib = 1024 * 1024;
/** Two bytes that become a whole structure in memory, over and over. */
const structures = (bytes: number, first = 0x0a) => Buffer.alloc(bytes, Buffer.from([first, 0]));
/** Exemplars: 105 bytes of memory a byte. */
const exemplars = (bytes: number) =>
  [1, 7, 2, 2, 1].reduce((inner, number) => field(number, inner), structures(bytes, 0x2a));
/** Lists in lists cost most: 180 bytes of memory a byte. */
const nested = () => {
  const lists = nestedLists(450_000);
  const deep = one("metrics", { record: { attributes: attributes([["model", lists]]) } });
  return asList(encode("metrics", [deep]), lists);
};

export interface Attack {
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
const byTwo = (body: Buffer) => async (attacker: Attacker) =>
  Promise.all([holder, shared].map((key) => bombs(8, body, key)(attacker)));
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

/** What whoever reaches the gate may try. */
export const strangers: Attack[] = [
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

/** What an engineer may try, or a program with their key. */
export const holders: Attack[] = [
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
  { name: "lists in lists, 4 MiB in clear", run: bombs(16, message(nested()), holder) },
  { name: "exemplars, by two keys at once", run: byTwo(message(exemplars(4 * mib - 128))) },
  { name: "lists in lists, by two keys at once", run: byTwo(message(nested())) },
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
