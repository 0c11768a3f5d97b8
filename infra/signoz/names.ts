/**
 * The only place for names of telemetry: which metric, event or span exists and which attributes it carries.
 * A test compares it with what Claude Code really sent (test/samples/claude-code, version 2.1.330).
 */

/** Who sent it: on the resource, and repeated by Claude Code on every datapoint, log record and span. */
export const identity = ["engineer", "team"] as const;
/** Put on every record by the gate: "true" where a key of its own proves the engineer, "false" where it is a claim. */
export const stamped = ["engineer.verified"] as const;
/** On the resource alone. */
export const onResource = ["service.version"] as const;
const common = [...identity, ...stamped, ...onResource, "session.id", "terminal.type"] as const;
type Common = (typeof common)[number];

/** A metric, event or span, and the attributes one may group or filter it by. */
export interface Source<A extends string = string> {
  name: string;
  attributes: readonly A[];
}

const claudeCode = <const A extends string>(name: string, ...own: A[]): Source<A | Common> => ({
  name: `claude_code.${name}`,
  attributes: [...common, ...own],
});

/** Monotonic sums of delta temporality. */
export const metrics = {
  sessions: claudeCode("session.count", "start_type"),
  activeTime: claudeCode("active_time.total", "type"),
  cost: claudeCode("cost.usage", "model", "query_source", "agent.name"),
  tokens: claudeCode("token.usage", "type", "model", "query_source"),
  lines: claudeCode("lines_of_code.count", "type", "model"),
  commits: claudeCode("commit.count"),
  pullRequests: claudeCode("pull_request.count"),
  edits: claudeCode("code_edit_tool.decision", "decision", "source", "tool_name", "language"),
};

/** Log records whose body is the name. Numbers in `numericStrings` arrive as strings. */
export const events = {
  prompt: claudeCode("user_prompt", "prompt_length"),
  apiRequest: claudeCode(
    "api_request",
    ...(["model", "cost_usd", "duration_ms", "ttft_ms"] as const),
    ...(["input_tokens", "output_tokens", "cache_read_tokens", "query_source"] as const),
  ),
  apiError: claudeCode("api_error", "model", "error", "status_code", "attempt", "duration_ms"),
  toolResult: claudeCode("tool_result", "tool_name", "success", "duration_ms", "error_type"),
  toolDecision: claudeCode("tool_decision", "tool_name", "decision", "source"),
};

/** Spans, present when the hook's tracing variables are set. */
export const spans = {
  llmRequest: claudeCode("llm_request", "model", "success", "stop_reason"),
  blockedOnUser: claudeCode("tool.blocked_on_user", "decision", "source"),
};

const gateMetric = <const A extends string>(name: string, ...attributes: A[]): Source<A> => ({
  name,
  attributes,
});

/** By kind of telemetry, as the collector counts them. */
const perSignal = <const A extends string>(prefix: string, attribute: A) => ({
  metrics: gateMetric(`${prefix}_metric_points`, attribute),
  logs: gateMetric(`${prefix}_log_records`, attribute),
  traces: gateMetric(`${prefix}_spans`, attribute),
});

/**
 * What the collector (v0.144) and its host say about themselves, through its own pipeline.
 * Counters are delta; a histogram arrives in SigNoz as `.count`, `.sum` and `.bucket`.
 */
export const gate = {
  /** Requests by the backend of haproxy.cfg that answered: small, medium, large go to the collector, refused_… say no. */
  requests: gateMetric("haproxy.sessions.total", "haproxy.proxy_name", "haproxy.service_name"),
  /** What the collector answered to those that it got, by gRPC status. */
  answers: gateMetric("rpc.server.duration.count", "rpc.grpc.status_code", "rpc.service"),
  accepted: perSignal("otelcol_receiver_accepted", "receiver"),
  refused: perSignal("otelcol_receiver_refused", "receiver"),
  sent: perSignal("otelcol_exporter_sent", "exporter"),
  sendFailed: perSignal("otelcol_exporter_send_failed", "exporter"),
  enqueueFailed: perSignal("otelcol_exporter_enqueue_failed", "exporter"),
  queueBytes: gateMetric("otelcol_exporter_queue_size", "exporter", "data_type"),
  collectorMemory: gateMetric("otelcol_process_memory_rss"),
  diskUsed: gateMetric("system.filesystem.utilization", "mountpoint", "device"),
  diskBytes: gateMetric("system.filesystem.usage", "mountpoint", "state"),
  memoryUsed: gateMetric("system.memory.utilization", "state"),
  cpuUsed: gateMetric("system.cpu.utilization", "cpu", "state"),
};

/** The receiver that clients talk to; the others are the gate's own. */
export const clientReceiver = "otlp";
/** What writes each kind of telemetry; the exporter of suggestions counts everything a second time and may drop it. */
export const exporters = {
  metrics: "signozclickhousemetrics",
  logs: "clickhouselogsexporter",
  traces: "clickhousetraces",
};
/** Where the collector sees the data disk, ClickHouse's. */
export const dataMountpoint = "/var/lib/otelcol";
/** HAProxy counts a backend and each of its servers; this is the backend. */
export const wholeBackend = "BACKEND";
/** The backend that answers requests without an accepted key. */
export const refusedKeyBackend = "refused_key";
