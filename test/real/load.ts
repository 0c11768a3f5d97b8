import { setTimeout as sleep } from "node:timers/promises";
import { type Signal, signals } from "../../simulator/otlp";
import type { OtlpClient } from "./gate";
import { countRecords, firstRecords, sample } from "./otlp";

/** What an engineer at work sends: each signal so often, and the request. */
interface Stream {
  everySeconds: number;
  request: Buffer;
}

/**
 * The recorded session of 10 model calls left 37 log records, 31 spans and 18 datapoints: 4 and 4 a
 * call. Claude Code exports logs and traces every 5 s and metrics every 60 s; an engineer whose agent
 * calls a model in every such interval sends 4 records with each. All engineers at it at once is the
 * most that there can be.
 */
const streams: Record<Signal, Stream> = {
  metrics: { everySeconds: 60, request: sample("metrics") },
  logs: { everySeconds: 5, request: firstRecords("logs", sample("logs"), 4) },
  traces: { everySeconds: 5, request: firstRecords("traces", sample("traces"), 4) },
};

export const keyOf = (engineer: number) => `engineer-${engineer}.0123456789`;

export interface Sent {
  seconds: number;
  requests: Record<Signal, number>;
  accepted: Record<Signal, number>;
  records: number;
  bytes: number;
  /** How many were answered with which gRPC status. */
  codes: Record<number, number>;
  /** From the shortest. */
  latenciesMs: number[];
}

/** So many engineers, each with a connection and a key of its own: a thousand handshakes at once are a different question. */
export async function connected(
  engineers: number,
  connect: () => OtlpClient,
): Promise<OtlpClient[]> {
  const clients = Array.from({ length: engineers }, connect);
  for (const [index, client] of clients.entries()) {
    const code = await client.send("metrics", Buffer.alloc(0), headers(index));
    if (code !== 0) throw new Error(`engineer ${index} is answered ${code}`);
  }
  return clients;
}

const headers = (engineer: number) => ({ "signoz-ingestion-key": keyOf(engineer) });

/** Sends as these engineers for so long, until all is answered, and closes them. */
export async function sendAs(clients: OtlpClient[], seconds: number): Promise<Sent> {
  const requests = { metrics: 0, logs: 0, traces: 0 };
  const accepted = { ...requests };
  const codes: Record<number, number> = {};
  const latenciesMs: number[] = [];
  const inFlight: Promise<void>[] = [];
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let engineer = 0;
  for (; elapsed() < seconds; await sleep(2))
    for (const signal of signals) {
      const { everySeconds, request } = streams[signal];
      for (; requests[signal] < (elapsed() * clients.length) / everySeconds; requests[signal]++) {
        const at = performance.now();
        const index = engineer++ % clients.length;
        const client = clients[index] as OtlpClient;
        inFlight.push(
          client.send(signal, request, headers(index)).then((code) => {
            codes[code] = (codes[code] ?? 0) + 1;
            if (code === 0) accepted[signal]++;
            latenciesMs.push(performance.now() - at);
          }),
        );
      }
    }
  const took = elapsed();
  await Promise.all(inFlight);
  for (const client of clients) client.close();
  const sum = (of: (signal: Signal, stream: Stream) => number) =>
    signals.reduce((all, signal) => all + requests[signal] * of(signal, streams[signal]), 0);
  return {
    seconds: took,
    requests,
    accepted,
    records: sum((signal, { request }) => countRecords(signal, request)),
    bytes: sum((_, { request }) => request.length),
    codes,
    latenciesMs: latenciesMs.sort((a, b) => a - b),
  };
}
