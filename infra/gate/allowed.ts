/**
 * What may pass the gate by name, and why it can hold nothing of what was said to, by or for a model.
 * Whatever is not here is dropped, so a name that a client adds tomorrow is not stored because nobody had listed it.
 * Names: Claude Code 2.1.331 (test/samples, docs/telemetry-setup.md) and the OpenTelemetry semantic conventions 1.37.
 */

/** A group of names and the one reason that lets them all pass. */
export interface Allowed {
  because: string;
  names: readonly string[];
}

const allow = (because: string, ...names: string[]): Allowed => ({ because, names });

/** Who, where from and with what: on resources, and repeated by Claude Code on every record. */
const sender = [
  allow("the gate sets them, whatever the client says", "engineer", "team"),
  allow(
    "who a session belongs to, as the company's own accounts and settings name it",
    "org",
    "organization.id",
    "user.id",
    "user.email",
    "user.account_uuid",
    "user.account_id",
  ),
  allow("random ids of Claude Code", "session.id", "prompt.id", "message.uuid"),
  allow(
    "name and version of a program or system",
    "service.name",
    "service.namespace",
    "service.version",
    "service.instance.id",
    "app.version",
    "app.entrypoint",
    "terminal.type",
    "os.type",
    "os.version",
    "host.arch",
    "telemetry.sdk.name",
    "telemetry.sdk.language",
    "telemetry.sdk.version",
    "process.runtime.name",
    "process.runtime.version",
    "deployment.environment.name",
    "anthropic.provider",
    "anthropic.custom_base_url",
  ),
  allow(
    "name of the repository, which its owner has switched on; its URL, which may hold a password, is not here",
    "vcs.repository.name",
    "vcs.owner.name",
    "vcs.provider.name",
  ),
];

/** The semantic conventions' names that pass in every scope. */
export const conventions = [
  ...sender,
  allow(
    "which model and operation: names out of the provider's list",
    "gen_ai.system",
    "gen_ai.provider.name",
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.output.type",
    "gen_ai.token.type",
  ),
  allow(
    "ids",
    "gen_ai.response.id",
    "gen_ai.conversation.id",
    "gen_ai.agent.id",
    "gen_ai.tool.call.id",
  ),
  allow(
    "names that a developer gives",
    "gen_ai.agent.name",
    "gen_ai.tool.name",
    "gen_ai.tool.type",
  ),
  allow(
    "numbers",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.request.max_tokens",
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "gen_ai.request.top_k",
    "gen_ai.request.seed",
    "gen_ai.request.choice.count",
    "gen_ai.request.frequency_penalty",
    "gen_ai.request.presence_penalty",
    "http.response.status_code",
    "rpc.grpc.status_code",
    "server.port",
  ),
  allow(
    "a class or a method out of a short list; messages and stack traces are not here",
    "error.type",
    "exception.type",
    "http.request.method",
    "rpc.system",
    "rpc.service",
    "rpc.method",
    "db.system.name",
    "network.protocol.name",
    "network.protocol.version",
    "url.scheme",
    "server.address",
  ),
];

const claudeNames = allow(
  "names that developers and vendors give: of models, tools, languages, agents, skills and plugins",
  "model",
  "final_model",
  "tool_name",
  "tool_name_safe",
  "language",
  "agent.name",
  "skill.name",
  "plugin.name",
  "marketplace.name",
);
const claudeWords = allow(
  "one word out of Claude Code's own short list",
  "type",
  "start_type",
  "query_source",
  "query_source_safe",
  "effort",
  "speed",
  "decision",
  "source",
);

/** By scope of Claude Code: the attributes of its datapoints, log records and spans beside the conventions'. */
export const claudeCode = {
  metrics: {
    scope: "com.anthropic.claude_code",
    allowed: [claudeNames, claudeWords],
  },
  logs: {
    scope: "com.anthropic.claude_code.events",
    allowed: [
      claudeNames,
      claudeWords,
      allow(
        "name, time and place in order of the event",
        "event.name",
        "event.timestamp",
        "event.sequence",
      ),
      allow(
        "numbers",
        "prompt_length",
        "response_length",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_creation_tokens",
        "cache_creation_5m_tokens",
        "cache_creation_1h_tokens",
        "total_tokens",
        "total_tool_uses",
        "pre_tokens",
        "post_tokens",
        "cost_usd",
        "cost_usd_micros",
        "duration_ms",
        "ttft_ms",
        "total_duration_ms",
        "total_retry_duration_ms",
        "total_attempts",
        "attempt",
        "status_code",
        "tool_input_size_bytes",
        "tool_result_size_bytes",
        "num_hooks",
        "num_success",
        "num_blocking",
        "num_non_blocking_error",
        "num_cancelled",
        "num_outputs_persisted",
        "stdout_chars",
        "additional_context_chars",
        "system_message_chars",
        "initial_user_message_chars",
        "skill_path_count",
        "command_path_count",
        "agent_path_count",
      ),
      allow("ids", "request_id", "tool_use_id", "agent_id", "plugin_id_hash"),
      allow(
        "yes or no",
        "success",
        "is_built_in",
        "is_async",
        "is_plugin",
        "model_swapped",
        "has_hooks",
        "has_mcp",
        "host_owned_mcp",
        "safe_mode",
        "managed_only",
      ),
      allow(
        "one word out of Claude Code's own short list",
        "status",
        "trigger",
        "from_mode",
        "to_mode",
        "permission_mode",
        "decision_source",
        "decision_type",
        "error_type",
        "tool_source",
        "agent_type",
        "agent.source",
        "command_source",
        "mention_type",
        "transport_type",
        "server_scope",
        "invocation_trigger",
        "skill.source",
        "plugin.scope",
        "enabled_via",
        "hook_event",
        "hook_type",
        "hook_source",
        "precompute_reuse",
        "managed_settings.trigger",
        "managed_settings.sources",
        "managed_settings.source_behavior",
        "managed_settings.helper.state",
        "managed_settings.helper.applied",
      ),
      allow("the name of an error; a sentence is cut to its class (errorWord)", "error"),
    ],
  },
  traces: {
    scope: "com.anthropic.claude_code.tracing",
    allowed: [
      claudeNames,
      claudeWords,
      allow(
        "numbers",
        "duration_ms",
        "interaction.duration_ms",
        "interaction.sequence",
        "user_prompt_length",
        "queued_sends",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_creation_tokens",
        "ttft_ms",
        "first_content_ms",
        "attempt",
        "status_code",
      ),
      allow("ids", "request_id", "tool_use_id", "agent_id"),
      allow("yes or no", "success"),
      allow(
        "one word out of Claude Code's own short list",
        "span.type",
        "parent.source",
        "llm_request.context",
        "stop_reason",
        "error_class",
        "bash_command_class",
      ),
      allow("the name of an error; a sentence is cut to its class (errorWord)", "error"),
    ],
  },
};

/**
 * What the gate holds back of Claude Code's own records every day, whatever a session has switched on (with the
 * content itself or "<REDACTED>"): only counted. Any other name that is held back is looked at record by record.
 */
export const expectedContent = {
  logs: [
    "hook_matcher",
    "hook_name",
    "prompt",
    "prompt_text",
    "response",
    "tool_input",
    "tool_parameters",
  ],
  traces: ["bash_argv0", "file_path", "full_command", "tool_input", "user_prompt"],
};

/** Metrics of other scopes that pass; one that is not here is refused as a whole, since its name is all it says. */
export const conventionMetrics = [
  "gen_ai.client.token.usage",
  "gen_ai.client.operation.duration",
  "gen_ai.server.request.duration",
  "gen_ai.server.time_to_first_token",
  "gen_ai.server.time_per_output_token",
  "http.client.request.duration",
  "http.server.request.duration",
  "http.server.active_requests",
  "rpc.client.duration",
  "rpc.server.duration",
  "db.client.operation.duration",
];

/** Names of span events that pass. */
export const spanEvents = ["gen_ai.request.attempt", "exception"];

/** All names of some groups, sorted, once each. */
export const namesOf = (groups: readonly Allowed[]): string[] =>
  [...new Set(groups.flatMap(({ names }) => names))].sort();
