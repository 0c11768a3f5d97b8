/** Saved views (SavedviewtypesPostableSavedView of the SigNoz v0.138.0 API): the questions of the runbook. */
import { atLeast, is } from "./condition";
import { events, gate, metrics, spans, wholeBackend } from "./names";
import {
  builderQuery,
  increase,
  key,
  events as logs,
  type Query,
  rawQuery,
  spansOf,
} from "./query";

/** A view's name begins with this, and by nothing else provisioning knows its own views. */
const ownPrefix = "managed-by-monitoring-";

interface View {
  name: string;
  title: string;
  query: Query;
  /** Shows the records themselves, with these columns; absent = a graph over time. */
  columns?: string[];
}

const refused = { decision: is("reject") };
const failed = { success: is("false") };

const views: View[] = [
  {
    name: "api-errors",
    title: "Claude Code: API errors",
    query: logs(events.apiError, "count()"),
    columns: ["engineer", "model", "status_code", "error", "attempt"],
  },
  {
    name: "failed-tools",
    title: "Claude Code: tools that failed",
    query: logs(events.toolResult, "count()", { where: failed }),
    columns: ["engineer", "tool_name", "error_type", "duration_ms"],
  },
  {
    name: "refused-tools",
    title: "Claude Code: tools that were refused",
    query: logs(events.toolDecision, "count()", { where: refused }),
    columns: ["engineer", "tool_name", "source"],
  },
  {
    name: "expensive-requests",
    title: "Claude Code: requests of 1 USD and more",
    query: logs(events.apiRequest, "count()", { where: { cost_usd: atLeast(1) } }),
    columns: ["engineer", "model", "cost_usd", "input_tokens", "cache_read_tokens"],
  },
  {
    name: "slow-requests",
    title: "Claude Code: answers that began after 10 seconds and more",
    query: logs(events.apiRequest, "count()", { where: { ttft_ms: atLeast(10000) } }),
    columns: ["engineer", "model", "ttft_ms", "duration_ms", "input_tokens"],
  },
  {
    name: "model-requests",
    title: "Claude Code: model requests as traces",
    query: spansOf(spans.llmRequest, "count()"),
    columns: ["engineer", "model", "success", "stop_reason"],
  },
  {
    name: "sessions-by-engineer",
    title: "Claude Code: sessions by engineer",
    query: increase(metrics.sessions, { by: ["engineer"] }),
  },
  {
    name: "versions",
    title: "Claude Code: versions in use",
    query: increase(metrics.sessions, { by: ["service.version"] }),
  },
  {
    name: "gate-results",
    title: "Gate: requests by result",
    query: increase(gate.requests, {
      by: ["haproxy.proxy_name"],
      where: { "haproxy.service_name": is(wholeBackend) },
    }),
  },
];

const renderView = ({ name, title, query, columns }: View) => ({
  schemaVersion: "v2",
  name: `${ownPrefix}${name}`,
  source: query.signal,
  spec: {
    displayName: title,
    panelType: columns ? "list" : "graph",
    requestType: columns ? "raw" : "time_series",
    ...(columns && { selectedFields: columns.map((column) => key(column)) }),
    queries: [
      {
        type: "builder_query",
        spec: columns ? rawQuery(query, "A") : builderQuery(query, "A"),
      },
    ],
  },
});

export const renderViews = () => views.map(renderView);
