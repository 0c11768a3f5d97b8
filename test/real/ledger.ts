import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { encode, signals } from "../../simulator/otlp";
import type { Exported, OtlpClient } from "./gate";
import { levels } from "./otlp";
import { attributes, one } from "./requests";

/** How many records of each number are stored. */
export type Stored = Map<string, number>;

/** Records of which each has a number of its own, as a session's id, so that what is lost or stored twice can be named. */
export class Ledger {
  private numbers = 0;
  private readonly name = randomUUID();
  private readonly accepted = new Set<string>();
  private sent = 0;
  /** Answers that were not OK, by gRPC status: Claude Code loses what one of them was for. */
  readonly refusals: Record<number, number> = {};

  /** Sends one record on and on by each client until the event is over. */
  async during(
    clients: OtlpClient[],
    event: () => Promise<unknown>,
    { key, everyMs = 50, again = false }: { key: () => string; everyMs?: number; again?: boolean },
  ): Promise<void> {
    let ended = false;
    const over = event().finally(() => {
      ended = true;
    });
    const send = async (client: OtlpClient) => {
      for (; !ended; await sleep(everyMs)) await this.send(client, key, again);
    };
    await Promise.all([over, ...clients.map(send)]);
  }

  private async send(client: OtlpClient, key: () => string, again: boolean): Promise<void> {
    const number = `${this.name}-${++this.numbers}`;
    const signal = signals[this.numbers % signals.length] as (typeof signals)[number];
    const record = { attributes: attributes([["session.id", number]]) };
    const bytes = encode(signal, [one(signal, { record })]);
    do {
      this.sent++;
      const code = await client.send(signal, bytes, { "signoz-ingestion-key": key() });
      if (code === 0) this.accepted.add(number);
      else this.refusals[code] = (this.refusals[code] ?? 0) + 1;
      if (again && code !== 0) await sleep(300);
    } while (again && !this.accepted.has(number));
  }

  /** What became of the accepted ones; `unknown` are stored though no answer told so. */
  balance(stored: Stored) {
    const own = [...stored].filter(([number]) => number.startsWith(this.name));
    const extra = own.reduce((sum, [, count]) => sum + count - 1, 0);
    return {
      sent: this.sent,
      accepted: this.accepted.size,
      lost: [...this.accepted].filter((number) => !stored.has(number)).length,
      twice: extra,
      unknown: own.filter(([number]) => !this.accepted.has(number)).length,
    };
  }

  /** The balance when nothing accepted is missing any more, or at last. */
  async settled(stored: () => Stored | Promise<Stored>, patienceMs = 60_000) {
    for (const deadline = Date.now() + patienceMs; ; await sleep(500)) {
      const balance = this.balance(await stored());
      if (balance.lost === 0 || Date.now() > deadline) return balance;
    }
  }
}

export function storedOf(exported: Exported[]): Stored {
  const stored: Stored = new Map();
  for (const list of levels(exported).record)
    for (const [key, number] of list)
      if (key === "session.id") stored.set(number, (stored.get(number) ?? 0) + 1);
  return stored;
}
