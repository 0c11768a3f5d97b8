/**
 * The only place for names of telemetry: which metric, event or span exists and which attributes it carries.
 * Source: what Claude Code 2.1.330 really sent (test/samples/claude-code), which a test compares with this file.
 * Every metric is a monotonic sum of delta temporality; every event is a log record whose body is its name.
 */

/** Who sent it: resource attributes that Claude Code repeats on every datapoint, log record and span. */
export const identity = ["engineer", "team"] as const;
export type Identity = (typeof identity)[number];

export interface Source<A extends string = string> {
  name: string;
  /** Attributes of its own, beyond identity and `common`. */
  attributes: readonly A[];
}

/** Attributes on every datapoint, log record and span (`service.version` on the resource). */
export const common = ["session.id", "service.version", "terminal.type"] as const;

const source = <const A extends string>(name: string, ...attributes: A[]): Source<A> => ({
  name,
  attributes,
});

export const metrics = {
  sessions: source("claude_code.session.count", "start_type"),
  activeTime: source("claude_code.active_time.total", "type"),
  cost: source("claude_code.cost.usage", "model", "query_source", "agent.name"),
  tokens: source("claude_code.token.usage", "type", "model", "query_source", "agent.name"),
  lines: source("claude_code.lines_of_code.count", "type", "model"),
  commits: source("claude_code.commit.count"),
  pullRequests: source("claude_code.pull_request.count"),
  edits: source(
    "claude_code.code_edit_tool.decision",
    "decision",
    "source",
    "tool_name",
    "language",
  ),
};

export const events = {
  prompt: source("claude_code.user_prompt", "prompt_length"),
  apiRequest: source(
    "claude_code.api_request",
    "model",
    "cost_usd",
    "duration_ms",
    "ttft_ms",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "query_source",
  ),
  apiError: source(
    "claude_code.api_error",
    "model",
    "error",
    "status_code",
    "attempt",
    "duration_ms",
  ),
  toolResult: source(
    "claude_code.tool_result",
    "tool_name",
    "success",
    "duration_ms",
    "error_type",
  ),
  toolDecision: source(
    "claude_code.tool_decision",
    "tool_name",
    "decision",
    "source",
    "permission_mode",
  ),
};

export const spans = {
  llmRequest: source("claude_code.llm_request", "model", "success", "ttft_ms", "stop_reason"),
  tool: source("claude_code.tool", "tool_name"),
  blockedOnUser: source("claude_code.tool.blocked_on_user", "decision"),
};
