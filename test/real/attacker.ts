import { connect as dial, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as dialTls, type TLSSocket } from "node:tls";
import { exportPath, type Signal } from "../../simulator/otlp";
import type { Gate } from "./gate";

/** Attackers come from an address of their own, as they would; the clients that must be served come from 127.0.0.1. */
const attackerAddress = "127.0.0.2";

/** Frame types and flags of HTTP/2 (RFC 9113, 6). */
export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
};
export const endStream = 1;
export const endHeaders = 4;

export function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(type.settings, 0, 0),
]);

/** A number as HPACK writes it (RFC 7541, 5.1). */
function integer(value: number, bits: number, first = 0): number[] {
  const limit = 2 ** bits - 1;
  if (value < limit) return [first | value];
  const bytes = [first | limit];
  for (value -= limit; value >= 128; value = Math.floor(value / 128))
    bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** A header as a literal, not indexed, or kept in the table when `indexed`. */
export function header(name: string, value: string, indexed = false): Buffer {
  const text = (it: string) =>
    Buffer.concat([Buffer.from(integer(it.length, 7)), Buffer.from(it, "latin1")]);
  return Buffer.concat([Buffer.from([indexed ? 0x40 : 0]), text(name), text(value)]);
}

/** The newest entry of the table, by one byte. */
export const newest = Buffer.from([0x80 | 62]);

export interface Head {
  key?: string;
  signal?: Signal;
  extra?: [string, string][];
}

export const head = ({ key, signal = "metrics", extra = [] }: Head = {}) =>
  Buffer.concat(
    [
      [":method", "POST"],
      [":scheme", "https"],
      [":authority", "gate.test"],
      [":path", exportPath[signal]],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ...(key === undefined ? [] : [["signoz-ingestion-key", key]]),
      ...extra,
    ].map(([name = "", value = ""]) => header(name, value)),
  );

/** The gRPC message around a payload; `length` may lie. */
export function message(payload: Buffer, packed = false, length = payload.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = packed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, payload]);
}

/** A whole request of one client, its body in frames of 16 KiB (the flow control of the server is obeyed by nobody here). */
export function request(stream: number, body: Buffer, options: Head = {}): Buffer {
  const frames = [frame(type.headers, endHeaders, stream, head(options))];
  for (let at = 0; at < body.length; at += 16_384)
    frames.push(
      frame(
        type.data,
        at + 16_384 >= body.length ? endStream : 0,
        stream,
        body.subarray(at, at + 16_384),
      ),
    );
  return Buffer.concat(frames);
}

export class Attacker {
  private readonly sockets = new Set<Socket | TLSSocket>();
  constructor(private readonly gate: Gate) {}

  private keep<S extends Socket>(socket: S, reads: boolean): S {
    this.sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.sockets.delete(socket);
    });
    if (reads) socket.resume();
    return socket;
  }

  /** Connections over TLS that are open. */
  get connected(): number {
    return [...this.sockets].filter((socket) => "encrypted" in socket && !socket.destroyed).length;
  }

  /** A connection in clear. */
  plain(reads = true): Promise<Socket> {
    const socket = dial({ host: "127.0.0.1", port: this.gate.port, localAddress: attackerAddress });
    return new Promise((resolve) => {
      this.keep(socket, reads)
        .once("connect", () => resolve(socket))
        .once("close", () => resolve(socket));
    });
  }

  /** A connection over TLS; resolves when it is open or has failed. */
  tls({
    reads = true,
    ...options
  }: { reads?: boolean } & import("node:tls").ConnectionOptions = {}): Promise<TLSSocket> {
    const raw = dial({ host: "127.0.0.1", port: this.gate.port, localAddress: attackerAddress });
    this.keep(raw, false);
    const socket = dialTls({
      socket: raw,
      ca: this.gate.certificate.ca,
      servername: "gate.test",
      ALPNProtocols: ["h2"],
      ...options,
    });
    return new Promise((resolve) => {
      this.keep(socket, reads)
        .once("secureConnect", () => resolve(socket))
        .once("close", () => resolve(socket));
    });
  }

  /** `count` connections over TLS that have said the preface. */
  async many(count: number, options: { reads?: boolean } = {}): Promise<TLSSocket[]> {
    const all: TLSSocket[] = [];
    for (let made = 0; made < count; made += 50)
      all.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(50, count - made) }, () => this.tls(options)),
        )),
      );
    for (const socket of all) socket.write(preface);
    return all;
  }

  /** Writes `bytes` again and again for so long, as fast as the gate takes them. */
  async flood(socket: Socket, seconds: number, bytes: () => Buffer): Promise<void> {
    const until = Date.now() + seconds * 1000;
    while (Date.now() < until && socket.writable)
      if (!socket.write(bytes()))
        await Promise.race([new Promise((r) => socket.once("drain", r)), sleep(100)]);
      else await sleep(0);
  }

  /** Writes a byte string bit by bit. */
  async drip(socket: Socket, bytes: Buffer, everyMs: number, seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1000;
    for (let at = 0; at < bytes.length && Date.now() < until && socket.writable; at++) {
      socket.write(bytes.subarray(at, at + 1));
      await sleep(everyMs);
    }
  }

  leave() {
    for (const socket of this.sockets) socket.destroy();
  }
}
