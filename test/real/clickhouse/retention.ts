import { type Signal, signals } from "../../../simulator/otlp";
import type { Tables } from "./store";

/** What SigNoz keeps shorter, or longer, for reasons of its own. */
const own = /^(usage|span_attributes|top_level_operations|.*_buffer)$/;

/** Tables by signal that are kept for another time than asked for, and how many are kept as asked for. */
export async function retained(store: Tables, days: Record<Signal, number>) {
  const found = await Promise.all(
    signals.map(async (signal) => {
      const tables = await store.query<Record<"name" | "ttl", string>>(
        `SELECT name, extract(engine_full, ' TTL (.*?) SETTINGS ') AS ttl FROM system.tables
         WHERE database = 'signoz_${signal}' AND ttl != ''`,
      );
      const asAsked = new RegExp(
        `Interval(Second\\(${days[signal] * 86_400}|Day\\((${days[signal]}|_retention_days))\\)`,
      );
      const other = tables.filter(({ ttl }) => !asAsked.test(ttl)).map(({ name }) => name);
      return { other, right: tables.length - other.length };
    }),
  );
  const [logs] = await store.query<{ days: string }>(
    "SELECT default_expression AS days FROM system.columns WHERE database = 'signoz_logs' AND table = 'logs_v2' AND name = '_retention_days'",
  );
  return {
    other: found.flatMap(({ other }) => other.filter((name) => !own.test(name))),
    fewestRight: Math.min(...found.map(({ right }) => right)),
    logsByDefault: Number(logs?.days),
  };
}
