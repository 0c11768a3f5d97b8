/** What clients sent, as SigNoz has it in its tables. */
import type { Signal } from "../../../simulator/otlp";
import type { Tables } from "./store";

export const series = `(SELECT fingerprint, any(labels) AS labels, any(attrs) AS attrs, any(scope_attrs) AS scope_attrs,
  any(resource_attrs) AS resource_attrs, any(type) AS type, any(unit) AS unit, any(is_monotonic) AS is_monotonic
  FROM signoz_metrics.distributed_time_series_v4 GROUP BY fingerprint)`;
/** What clients sent: the session as column session, the time (epoch ms) as column time, and what else SigNoz has. */
export const stored: Record<Signal, string> = {
  metrics: `(SELECT *, attrs['session.id'] AS session, unix_milli AS time FROM signoz_metrics.distributed_samples_v4
    INNER JOIN ${series} AS series USING fingerprint WHERE attrs['session.id'] != '')`,
  logs: "(SELECT *, attributes_string['session.id'] AS session, intDiv(timestamp, 1000000) AS time FROM signoz_logs.distributed_logs_v2)",
  traces:
    "(SELECT *, attributes_string['session.id'] AS session, toUnixTimestamp64Milli(timestamp) AS time FROM signoz_traces.distributed_signoz_index_v3)",
};
/** Sessions that begin so, and how often each is stored. */
export async function sessions(
  store: Tables,
  signal: Signal,
  begin: string,
): Promise<Record<string, number>> {
  const rows = await store.query<{ session: string; count: number }>(
    `SELECT session, count() AS count FROM ${stored[signal]} WHERE startsWith(session, '${begin}') GROUP BY session ORDER BY session`,
  );
  return Object.fromEntries(rows.map(({ session, count }) => [session, count]));
}
