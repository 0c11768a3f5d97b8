/**
 * Renders processors.yaml, which otel-collector.yaml includes: who sent a record, what of it may pass by name, and
 * which records are refused. OpenTelemetry Transformation Language (OTTL) and components of SigNoz's collector
 * v0.144.7; JSON is YAML.
 */
import {
  claudeCode,
  conventionMetrics,
  conventions,
  expectedContent,
  namesOf,
  spanEvents,
} from "./allowed";
import { believable, limits } from "./limits";

export interface GateOptions {
  /** Whether what was said passes: prompts, answers, what tools were given and gave back. */
  keepContent: boolean;
  /** Names of the company's own programs that pass beside the listed ones, on every level. */
  ownNames: readonly string[];
  retentionDays: Record<Signal, number>;
}

/** What the gate does where a stack's settings say nothing else. */
export const defaultGate: GateOptions = {
  keepContent: false,
  ownNames: [],
  retentionDays: { metrics: 180, logs: 30, traces: 15 },
};

type Signal = "metrics" | "logs" | "traces";

/** Why a record is refused: values of the attribute `refused.reason`. */
export const reasons = [
  "too_old",
  "in_future",
  "not_a_number",
  "negative",
  "absurd",
  "unlisted_metric",
  "ends_before_start",
  "too_many_attributes",
  "too_many_parts",
] as const;
type Reason = (typeof reasons)[number];

/** Names that the gate itself puts on records and resources. */
const odd = "monitoring.odd";
const content = "monitoring.content";
const owner = "monitoring.owner";
const refusedReason = "refused.reason";
const unkept = "refused.unkept";
const redactedKeys = "redaction.redacted.keys";

/** The rendered files of the collector's configuration folder, by name. */
export function gateFiles(options: GateOptions): Record<string, string> {
  return { "processors.yaml": `${JSON.stringify(processors(options), null, 2)}\n` };
}

export function processors(options: GateOptions): Record<string, unknown> {
  return {
    memory_limiter: { check_interval: "1s", limit_percentage: 75, spike_limit_percentage: 20 },
    "resource/owner": {
      attributes: [
        { pattern: "^monitoring[.]", action: "delete" },
        { key: owner, from_context: "metadata.x-monitoring-owner", action: "upsert" },
      ],
    },
    "redaction/metrics": redaction("metrics", options),
    "redaction/logs": redaction("logs", options),
    "redaction/traces": redaction("traces", options),
    ...transform("metrics", "metric_statements", metrics(options), options),
    ...transform("logs", "log_statements", logs(options), options),
    ...transform("traces", "trace_statements", traces(options), options),
    "resource/even": {
      attributes: [odd, content].map((key) => ({ key, action: "delete" })),
    },
    // The count of a record carries the record's time, which may be what it was refused for.
    "transform/counts": {
      error_mode: "propagate",
      metric_statements: [
        {
          context: "resource",
          statements: [
            'keep_keys(attributes, ["engineer", "engineer.verified"])',
            'set(attributes["service.name"], "monitoring-gate")',
          ],
        },
        { context: "datapoint", statements: ["set(time, Now())", "set(start_time, Now())"] },
      ],
    },
  };
}

/** In a list, the one word that may stand in it (gen_ai.response.finish_reasons) has at most so many letters. */
const wordLetters = 32;

/**
 * Numbers that are none, maps, and lists other than the empty one and that of one word, as texts. Each letter decides
 * alone where to go on, up to the end: Go matches such a pattern in one pass, without going back.
 */
const notPlain = `(?s)^(?:json: unsupported value.*|{.*|\\[(?:[^"\\]].*|"${Array.from({
  length: wordLetters,
}).reduce<string>((rest) => `(?:[a-z_]${rest}|[^a-z_"].*|",.*)`, ".*")}))$$`;

/** Drops attributes by name and says which; masks what no store can hold: NaN, infinite and nested values. */
function redaction(signal: Signal, { keepContent, ownNames }: GateOptions) {
  return {
    allow_all_keys: keepContent,
    allowed_keys: [...namesOf([...claudeCode[signal].allowed, ...conventions]), ...ownNames],
    redact_all_types: true,
    blocked_values: [keepContent ? "(?s)^json: unsupported value.*$$" : notPlain],
    summary: "debug",
  };
}

interface Statements {
  context: string;
  conditions?: string[];
  statements: string[];
}

/** What every record goes through, and what only those do whose resource it found to be odd. */
interface Filter {
  all: Statements[];
  ofOdd: Statements[];
}

function transform(signal: Signal, field: string, { all, ofOdd }: Filter, options: GateOptions) {
  const statements = (list: Statements[]) => ({ error_mode: "propagate", [field]: list });
  return {
    [`transform/${signal}`]: statements([...common(signal, options), ...all]),
    [`transform/${signal}_odd`]: statements(ofOdd),
  };
}

const quote = (text: string) => JSON.stringify(text);
const list = (names: readonly string[]) => `[${names.map(quote).join(", ")}]`;
/** A regular expression, as OTTL text, that matches one of the names and nothing else. */
const oneOf = (names: readonly string[]) =>
  quote(`^(?:${names.map((name) => name.replace(/[.*+?^${}()|[\]\\$]/g, "\\$&")).join("|")})$$`);
const matches = (path: string, pattern: string) => `IsMatch(${path}, ${quote(pattern)})`;
const marked = `set(resource.attributes["${odd}"], true)`;
/** What Claude Code is known to send and the gate to hold back: names that need no second look, only to be counted. */
const expected = (signal: "logs" | "traces") =>
  `IsMatch(attributes["${redactedKeys}"], "^(?:(?:${expectedContent[signal].join("|")})(?:,|$$))+$$")`;
const heldBack = `attributes["${redactedKeys}"] != nil`;
const holdsContent = `set(resource.attributes["${content}"], true) where ${heldBack}`;
/** Names held back are told by form: an identifier cannot be a sentence. */
const tellNames = [
  `replace_pattern(attributes["${redactedKeys}"], "[^,]*[^A-Za-z0-9_.,][^,]*|[^,]{65,}", "other")`,
];
const atMost = (bytes: number) => `truncate_all(attributes, ${bytes})`;
const valueBytes = ({ keepContent }: GateOptions) =>
  keepContent ? limits.contentBytes : limits.valueBytes;

/** What every signal's resource and scope go through. */
function common(signal: Signal, options: GateOptions): Statements[] {
  const knownScopes = [...Object.values(claudeCode).map(({ scope }) => scope), ...options.ownNames];
  const schema =
    'set(schema_url, "") where schema_url != "" and not IsMatch(schema_url, "^https://opentelemetry[.]io/schemas/[0-9.]+$$")';
  const scope = options.keepContent
    ? []
    : [
        {
          context: "scope",
          statements: [
            `set(name, "") where not ${`IsMatch(name, ${oneOf(knownScopes)})`} and not ${matches("name", "^(?:@opentelemetry/|opentelemetry[.]|io[.]opentelemetry[.]|go[.]opentelemetry[.]io/)[A-Za-z0-9_./@-]{1,100}$$")}`,
            `set(version, "") where not ${matches("version", "^[0-9A-Za-z.+_-]{0,32}$$")}`,
            schema,
            ...tellNames,
            `${marked} where attributes["${redactedKeys}"] != nil or name != "${claudeCode[signal].scope}"`,
            `keep_keys(attributes, ["${redactedKeys}"])`,
          ],
        },
      ];
  return [
    {
      context: "resource",
      statements: [
        'set(cache["verified"], "false")',
        `set(cache["verified"], "true") where attributes["${owner}"] != nil and attributes["${owner}"] != "-"`,
        'set(cache["engineer"], attributes["engineer"]) where IsString(attributes["engineer"])',
        // What a personal key stamps is an e-mail address, so a claim must not look like one.
        `replace_pattern(cache["engineer"], ${quote("[@\\x{FF20}\\x{FE6B}]")}, "_at_")`,
        `replace_pattern(cache["engineer"], ${quote("\\p{C}")}, "")`,
        `set(cache["engineer"], attributes["${owner}"]) where cache["verified"] == "true"`,
        'delete_matching_keys(attributes, "^(?:engineer$$|engineer[.]verified$$|monitoring[.])")',
        'set(attributes["engineer"], cache["engineer"]) where cache["engineer"] != ""',
        'set(attributes["engineer.verified"], cache["verified"])',
        atMost(valueBytes(options)),
        `limit(attributes, ${limits.attributes}, ["engineer", "engineer.verified", "team", "service.name"])`,
        ...(options.keepContent ? [] : [schema]),
        ...tellNames,
        `set(attributes["${odd}"], true) where attributes["${redactedKeys}"] != nil`,
      ],
    },
    ...(options.keepContent
      ? [
          {
            context: "scope",
            statements: ['delete_matching_keys(attributes, "^engineer(?:[.]verified)?$$")'],
          },
        ]
      : scope),
  ];
}

/** Takes every claim of the client off a record; twice the same name is no SDK's doing, but possible. */
const unclaim = ({ keepContent }: GateOptions) =>
  keepContent
    ? ['delete_matching_keys(attributes, "^engineer(?:[.]verified)?$$")']
    : [
        'delete_key(attributes, "engineer")',
        'delete_matching_keys(attributes, "^engineer$$") where attributes["engineer"] != nil',
      ];
const stamp = [
  'set(attributes["engineer"], resource.attributes["engineer"])',
  'set(attributes["engineer.verified"], resource.attributes["engineer.verified"])',
  'set(attributes["team"], resource.attributes["team"])',
];

/** In scopes that are not Claude Code's its names say nothing about what they hold. */
function otherScopes(
  context: string,
  signal: Signal,
  { ownNames, keepContent }: GateOptions,
): Statements[] {
  if (keepContent) return [];
  const names = [
    ...namesOf(conventions),
    ...ownNames,
    "engineer.verified",
    redactedKeys,
    "redaction.masked.keys",
  ];
  return [
    {
      context,
      conditions: [`instrumentation_scope.name != "${claudeCode[signal].scope}"`],
      statements: [
        'set(cache["rest"], attributes)',
        `delete_matching_keys(cache["rest"], ${quote(`^(?:redaction[.].*|${oneOf(names).slice(2, -3)})$$`)})`,
        'set(cache["names"], String(Keys(cache["rest"]))) where Len(cache["rest"]) > 0',
        `set(cache["names"], Concat([cache["names"], attributes["${redactedKeys}"]], ",")) where cache["names"] != nil and attributes["${redactedKeys}"] != nil`,
        `set(attributes["${redactedKeys}"], cache["names"])`,
        `${marked} where cache["names"] != nil`,
        `replace_pattern(attributes["${redactedKeys}"], ${quote('[\\[\\]"]')}, "")`,
        `keep_keys(attributes, ${list(names)})`,
      ],
    },
  ];
}

const refuse = (reason: Reason, where: string) =>
  `set(attributes["${refusedReason}"], "${reason}") where ${where}`;
const nanoseconds = (hours: number) => (BigInt(hours) * 3_600_000_000_000n).toString();
const before = (path: string, days: number) =>
  `${path} < UnixNano(Now()) - ${nanoseconds(days * 24)}`;
const inFuture = (path: string) => `${path} > UnixNano(Now()) + ${nanoseconds(limits.futureHours)}`;
/** Asked of every record, so the clock is read once; which side it is out of is asked of the odd ones. */
const age = (path: string) => `set(cache["age"], UnixNano(Now()) - ${path})`;
const ofAge = (days: number) =>
  `cache["age"] > ${nanoseconds(days * 24)} or cache["age"] < -${nanoseconds(limits.futureHours)}`;
const any = (...conditions: string[]) => conditions.join(" or ");
const tooMany = `Len(attributes) > ${limits.attributes}`;
/** A floating-point literal, which is what OTTL compares doubles with. */
const float = (value: number) => value.toFixed(1);

function metrics(options: GateOptions): Filter {
  const { keepContent, ownNames, retentionDays } = options;
  const listed = oneOf([...conventionMetrics, ...ownNames]);
  const old = before("time_unix_nano", retentionDays.metrics);
  const future = inFuture("time_unix_nano");
  const largest = float(limits.value);
  const nan = "value_double != value_double";
  const tooLarge = any(
    `value_double > ${largest}`,
    `value_double < -${largest}`,
    `value_int > ${limits.value}`,
    `value_int < -${limits.value}`,
  );
  // What only some kinds of metric have is an error to ask for in the others.
  const ofHistogram = (condition: string) =>
    `metric.type == METRIC_DATA_TYPE_HISTOGRAM and (${condition})`;
  const negative = any("value_double < 0.0", "value_int < 0");
  // Cheap for every datapoint, and true of what is no number: what is really wrong is looked at only where this holds.
  const suspicious = ["value_double", "value_int"]
    .map((value) => {
      const [none, least, tokens] = [
        0,
        10_000,
        believable.metrics["claude_code.token.usage"] ?? 0,
      ].map(value === "value_double" ? float : String);
      return `not (${value} >= ${none} and ${value} <= ${least}) and not (${value} >= ${none} and ${value} <= ${tokens} and metric.name == "claude_code.token.usage")`;
    })
    .join(" or ");
  return {
    all: [
      {
        context: "metric",
        statements: [
          ...(keepContent
            ? [`delete_key(metadata, "${refusedReason}")`]
            : [
                "keep_keys(metadata, [])",
                'set(description, "") where description != ""',
                `set(unit, "") where unit != "" and not ${matches("unit", "^[A-Za-z0-9%{}/.*_-]{1,24}$$")}`,
                `set(metadata["${refusedReason}"], "unlisted_metric") where instrumentation_scope.name == "${claudeCode.metrics.scope}" and not ${matches("name", "^claude_code[.][a-z_.]{1,64}$$")}`,
                `set(metadata["${refusedReason}"], "unlisted_metric") where instrumentation_scope.name != "${claudeCode.metrics.scope}" and not IsMatch(name, ${listed})`,
                `set(name, "unlisted") where metadata["${refusedReason}"] != nil`,
              ]),
          `set(metadata["${refusedReason}"], "too_many_parts") where Len(data_points) > ${limits.pointsPerMetric}`,
          `${marked} where type != METRIC_DATA_TYPE_SUM or metadata["${refusedReason}"] != nil`,
        ],
      },
      {
        context: "datapoint",
        statements: [
          ...unclaim(options),
          atMost(valueBytes(options)),
          age("time_unix_nano"),
          `${marked} where ${any(`attributes["${redactedKeys}"] != nil`, ofAge(retentionDays.metrics), suspicious, tooMany)}`,
        ],
      },
    ],
    ofOdd: [
      ...otherScopes("datapoint", "metrics", options),
      {
        context: "datapoint",
        statements: [
          ...tellNames,
          refuse("too_many_attributes", tooMany),
          refuse("too_many_parts", ofHistogram(`Len(bucket_counts) > ${limits.buckets}`)),
          refuse("absurd", tooLarge),
          refuse("absurd", ofHistogram(`sum > ${largest} or sum < -${largest}`)),
          refuse("not_a_number", ofHistogram("sum != sum")),
          ...Object.entries(believable.metrics).map(([name, most]) =>
            refuse(
              "absurd",
              `metric.name == "${name}" and (value_double > ${float(most)} or value_int > ${most})`,
            ),
          ),
          refuse("negative", `metric.is_monotonic == true and (${negative})`),
          refuse("not_a_number", nan),
          refuse("in_future", future),
          refuse("too_old", old),
          `set(attributes["${refusedReason}"], metric.metadata["${refusedReason}"]) where metric.metadata["${refusedReason}"] != nil`,
          // The attributes of exemplars cannot be reached. SigNoz's exporter stores none; the file would.
          ...(keepContent
            ? []
            : [
                `set(attributes["${unkept}"], true) where attributes["${refusedReason}"] != nil and metric.type != METRIC_DATA_TYPE_SUMMARY and Len(exemplars) > 0`,
              ]),
        ],
      },
    ],
  };
}

function logs(options: GateOptions): Filter {
  const { keepContent, ownNames, retentionDays } = options;
  const old = before("time_unix_nano", retentionDays.logs);
  const future = inFuture("time_unix_nano");
  const numbers = Object.entries(believable.logs);
  const negative = any(...numbers.map(([name]) => `attributes["${name}"] < 0`));
  const absurd = any(...numbers.map(([name, most]) => `attributes["${name}"] > ${most}`));
  const own = ownNames.length > 0 ? ` and not IsMatch(body, ${oneOf(ownNames)})` : "";
  return {
    all: [
      {
        context: "log",
        statements: [
          "set(time_unix_nano, observed_time_unix_nano) where time_unix_nano == 0",
          "set(time, Now()) where time_unix_nano == 0",
          ...unclaim(options),
          ...stamp,
          atMost(valueBytes(options)),
          ...(keepContent
            ? []
            : [
                `set(body, "") where not ${matches("body", "^(?:claude_code[.][a-z_]{1,64}|verify-telemetry [0-9TZ:-]{20} [0-9]{1,10})$$")}${own}`,
                `set(severity_text, "") where severity_text != "" and not ${matches("severity_text", "^(?i:trace|debug|info|warn|warning|error|fatal|critical|notice)[1-4]?$$")}`,
                `set(event_name, "") where event_name != "" and not ${matches("event_name", "^(?:claude_code|gen_ai)[.][a-z_.]{1,64}$$")}`,
                errorWord,
              ]),
          age("time_unix_nano"),
          `${marked} where ${any(`${heldBack} and not ${expected("logs")}`, ofAge(retentionDays.logs), tooMany)}`,
          holdsContent,
          `${marked} where attributes["event.name"] == "api_request" and (${any(negative, absurd)})`,
        ],
      },
    ],
    ofOdd: [
      ...otherScopes("log", "logs", options),
      {
        context: "log",
        statements: [
          ...tellNames,
          refuse("too_many_attributes", tooMany),
          refuse("absurd", `attributes["event.name"] == "api_request" and (${absurd})`),
          refuse("negative", `attributes["event.name"] == "api_request" and (${negative})`),
          refuse("in_future", future),
          refuse("too_old", old),
        ],
      },
    ],
  };
}

/** An error's name passes; its text may quote what was said. */
const errorWord = `set(attributes["error"], "other") where attributes["error"] != nil and not ${matches('attributes["error"]', "^[A-Za-z][A-Za-z0-9_.]{0,47}$$")}`;

function traces(options: GateOptions): Filter {
  const { keepContent, ownNames, retentionDays } = options;
  const spanDays = Math.min(retentionDays.traces, limits.spanDays);
  const old = before("start_time_unix_nano", spanDays);
  const future = any(inFuture("start_time_unix_nano"), inFuture("end_time_unix_nano"));
  const backwards = "end_time_unix_nano < start_time_unix_nano";
  const parts = any(`Len(events) > ${limits.spanParts}`, `Len(links) > ${limits.spanParts}`);
  const own = ownNames.length > 0 ? ` and not IsMatch(name, ${oneOf(ownNames)})` : "";
  return {
    all: [
      {
        context: "span",
        statements: [
          ...unclaim(options),
          ...stamp,
          atMost(valueBytes(options)),
          ...(keepContent
            ? []
            : [
                `set(name, "unlisted") where not ${matches("name", "^claude_code(?:[.][a-z_]{1,32}){1,4}$$")}${own}`,
                'set(status.message, "") where status.message != ""',
                'set(trace_state, "") where trace_state != ""',
                errorWord,
              ]),
          refuse("too_many_parts", parts),
          age("start_time_unix_nano"),
          `${marked} where ${any(`${heldBack} and not ${expected("traces")}`, `attributes["${refusedReason}"] != nil`, ofAge(spanDays), inFuture("end_time_unix_nano"), backwards, tooMany)}`,
          holdsContent,
          // The attributes of links cannot be reached; to set them to themselves empties them (OTTL v0.144).
          ...(keepContent ? [] : ["set(links, links) where Len(links) > 0"]),
        ],
      },
      {
        context: "spanevent",
        statements: [
          ...(keepContent
            ? []
            : [
                `set(name, "unlisted") where not IsMatch(name, ${oneOf([...spanEvents, ...ownNames])})`,
                `${marked} where attributes["${redactedKeys}"] != nil`,
              ]),
          'delete_matching_keys(attributes, "^engineer(?:[.]verified)?$$")',
          atMost(valueBytes(options)),
          `set(time_unix_nano, span.start_time_unix_nano) where ${any(before("time_unix_nano", limits.spanDays), inFuture("time_unix_nano"))}`,
        ],
      },
    ],
    ofOdd: [
      ...otherScopes("span", "traces", options),
      ...(keepContent ? [] : [{ context: "spanevent", statements: tellNames }]),
      {
        context: "span",
        statements: [
          ...tellNames,
          refuse("too_many_attributes", tooMany),
          refuse("ends_before_start", backwards),
          refuse("in_future", future),
          refuse("too_old", old),
        ],
      },
    ],
  };
}
