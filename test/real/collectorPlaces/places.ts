import { expectedContent } from "../../../infra/gate/allowed";
import { type Signal, signals } from "../../../simulator/otlp";
import { attributes, nanoseconds, type One, type Value } from "../requests";

/** What was said, wherever it stands. */
export const said = "What-Was-Said to the model";
export const now = () => nanoseconds(Date.now());
export const anywhere = (name = "not_there_yet", value: Value = said) =>
  attributes([[name, value]]);

/** Every place of a request that can hold text, in a scope of Claude Code's and in one that nobody knows. */
export const places: [string, Signal, One][] = [
  ["the body", "logs", { record: { body: { stringValue: said } } }],
  ["a body that is a map", "logs", { record: { body: { kvlistValue: { values: anywhere() } } } }],
  [
    "a body that is a list",
    "logs",
    { record: { body: { arrayValue: { values: [{ stringValue: said }] } } } },
  ],
  ["a body of bytes", "logs", { record: { body: { bytesValue: Buffer.from(said) } } }],
  [
    "a body that begins like an event's",
    "logs",
    { record: { body: { stringValue: `claude_code.api_request ${said}` } } },
  ],
  ["the severity's text", "logs", { record: { severityText: said } }],
  ["the event's name", "logs", { record: { eventName: said } }],
  ["a span's name", "traces", { record: { name: said } }],
  [
    "a span's name that begins like Claude Code's",
    "traces",
    { record: { name: `claude_code.tool ${said}` } },
  ],
  ["a span's status", "traces", { record: { status: { code: 2, message: said } } }],
  ["a span's trace state", "traces", { record: { traceState: `a=${said}` } }],
  ["an event's name", "traces", { record: { events: [{ name: said, timeUnixNano: now() }] } }],
  [
    "an event's attribute",
    "traces",
    {
      record: {
        events: [{ name: "tool.output", timeUnixNano: now(), attributes: anywhere("output") }],
      },
    },
  ],
  [
    "an error's text in an event",
    "traces",
    { record: { events: [{ name: "exception", attributes: anywhere("error") }] } },
  ],
  [
    "an exception's message",
    "traces",
    {
      record: {
        events: [
          { name: "exception", timeUnixNano: now(), attributes: anywhere("exception.message") },
        ],
      },
    },
  ],
  [
    "an exception's stack trace",
    "traces",
    {
      record: {
        events: [
          { name: "exception", timeUnixNano: now(), attributes: anywhere("exception.stacktrace") },
        ],
      },
    },
  ],
  [
    "a link's attribute",
    "traces",
    {
      record: {
        links: [
          { traceId: Buffer.alloc(16, 2), spanId: Buffer.alloc(8, 2), attributes: anywhere() },
        ],
      },
    },
  ],
  [
    "a link's trace state",
    "traces",
    {
      record: {
        links: [
          { traceId: Buffer.alloc(16, 2), spanId: Buffer.alloc(8, 2), traceState: `a=${said}` },
        ],
      },
    },
  ],
  ["a metric's name", "metrics", { metric: { name: said } }],
  ["a metric's description", "metrics", { metric: { description: said } }],
  ["a metric's unit", "metrics", { metric: { unit: said } }],
  ["a metric's metadata", "metrics", { metric: { metadata: anywhere() } }],
  ...signals.flatMap((signal): [string, Signal, One][] => [
    ["an attribute of the record", signal, { record: { attributes: anywhere() } }],
    [
      "a nested attribute under a name that passes",
      signal,
      { record: { attributes: anywhere("model", { text: said }) } },
    ],
    [
      "a list under a name that passes",
      signal,
      { record: { attributes: anywhere("model", ["word", said]) } },
    ],
    ["an attribute of the resource", signal, { resource: [["host.name", said]] }],
    ["an error's text on the resource", signal, { resource: [["error", said]] }],
    ["an attribute of the scope", signal, { scopeFields: { attributes: anywhere() } }],
    ["the scope's version", signal, { scopeFields: { version: said } }],
    [
      "the scope's schema",
      signal,
      { scopeFields: {}, groupFields: { schemaUrl: `https://user:${said}@example.com` } },
    ],
    [
      "an address with a password",
      signal,
      {
        record: {
          attributes: anywhere("vcs.repository.url.full", `https://user:${said}@github.com/a/b`),
        },
      },
    ],
    ["the name of an attribute", signal, { record: { attributes: anywhere(said, "1") } }],
    [
      "the name of an attribute beside what is always held back",
      signal,
      {
        record: {
          attributes: attributes(
            [...expectedContent.logs, ...expectedContent.traces, said, `${said},prompt`].map(
              (name) => [name, "1"],
            ),
          ),
        },
      },
    ],
    [
      "an error's text",
      signal,
      {
        record: {
          attributes: attributes([
            ["event.name", "api_error"],
            ["error", said],
          ]),
        },
      },
    ],
  ]),
];

/** Attributes that instrumentations of other clients put content into. */
export const genAi = [
  "gen_ai.prompt",
  "gen_ai.prompt.0.content",
  "gen_ai.completion",
  "gen_ai.completion.0.content",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.system_instructions",
  "gen_ai.tool.definitions",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.tool.description",
  "gen_ai.agent.description",
  "gen_ai.retrieval.query.text",
  "gen_ai.evaluation.explanation",
  "llm.prompts",
  "llm.completions",
  "llm.input_messages.0.message.content",
  "llm.output_messages.0.message.content",
  "input.value",
  "output.value",
  "traceloop.entity.input",
  "traceloop.entity.output",
  "ai.prompt",
  "ai.prompt.messages",
  "ai.response.text",
  "ai.toolCall.args",
  "ai.toolCall.result",
  "langfuse.observation.input",
  "langfuse.observation.output",
  "mlflow.spanInputs",
  "mlflow.spanOutputs",
  "openinference.span.input",
  "logfire.msg",
  "request_data",
  "response_data",
  "all_messages_events",
  "db.query.text",
  "db.statement",
  "http.request.body",
  "http.response.body",
  "url.full",
  "url.query",
  "messaging.message.body",
  "code.stacktrace",
  "exception.message",
  "user_prompt",
  "tool_input",
  "tool_parameters",
  "prompt",
  "response",
];

/** Names that do not exist yet, and every kind of value, by a running number. */
const words = [
  "gen_ai",
  "prompt",
  "claude",
  "message",
  "tool",
  "text",
  "v2",
  "content",
  "user",
  "delta",
  "raw",
  "x-9",
  "Ü",
];
export const nameOf = (n: number) =>
  [words[n % 13], words[(n * 7 + 3) % 13], words[(n * 5 + 1) % 13], n].join(n % 2 ? "." : "_");
export const kindOf = (n: number): Value =>
  [said, { a: said }, [said], { a: { b: [said] } }, Buffer.from(said), `${said}\u0000${said}`][
    n % 6
  ] as Value;
