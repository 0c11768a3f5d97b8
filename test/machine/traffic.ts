import { setTimeout as sleep } from "node:timers/promises";
import { encode, type Signal, signals } from "../../simulator/otlp";
import { sessions } from "../real/clickhouse/sessions";
import type { Tables } from "../real/clickhouse/store";
import { attributes, one } from "../real/requests";
import type { BootedMachine } from "./bootedMachine";

/** What one client sends, a record a request, and what the gate has acknowledged of it. */
export class Traffic {
  /** Sessions that were answered with OK. */
  readonly acknowledged: Record<Signal, string[]> = { metrics: [], logs: [], traces: [] };
  private sent = 0;

  /** @param name begins the names of all its sessions */
  constructor(private readonly name: string) {}

  /** Sends with a key of now, one request after the other, until `until` settles. */
  async during(machine: BootedMachine, key: string, until: Promise<unknown>): Promise<void> {
    const client = machine.client();
    let going = true;
    const end = () => {
      going = false;
    };
    const settled = until.then(end, end);
    const sending = (async () => {
      // What is stored of it keeps the engine busy, on a processor that a kernel like this one makes ten times slower.
      for (; going; await Promise.race([sleep(1500), settled]))
        for (const signal of signals) {
          const session = `${this.name}-${this.sent++}`;
          const record = { attributes: attributes([["session.id", session]]) };
          const request = encode(signal, [one(signal, { record })]);
          const status = await Promise.race([client.send(signal, request, key), settled]);
          if (status === 0) this.acknowledged[signal].push(session);
          else await sleep(200);
        }
    })();
    await Promise.all([sending, settled]);
    client.close();
    await until;
  }

  /** How many acknowledged sessions are not stored, and how many are stored more than once. */
  async compared(store: Tables): Promise<{ acknowledged: number; lost: string[]; twice: number }> {
    const result = { acknowledged: 0, lost: [] as string[], twice: 0 };
    for (const signal of signals) {
      const stored = await sessions(store, signal, `${this.name}-`);
      result.acknowledged += this.acknowledged[signal].length;
      for (const session of this.acknowledged[signal]) {
        const times = Number(stored[session] ?? 0);
        if (times === 0) result.lost.push(`${signal} ${session}`);
        if (times > 1) result.twice++;
      }
    }
    return result;
  }
}

/** Compares until all is stored, which after a refused insert takes as long as store-guard.sh leaves a collector alone. */
export async function settled(traffic: Traffic, store: Tables) {
  for (let second = 0; ; second++) {
    const compared = await traffic.compared(store);
    if (compared.lost.length === 0 || second === 240) return compared;
    await sleep(1000);
  }
}
