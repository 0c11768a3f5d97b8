/**
 * Renders processors.yaml, which otel-collector.yaml includes: who sent a record, what of it may pass by name, and
 * which records are refused. OpenTelemetry Transformation Language (OTTL) and components of SigNoz's collector
 * v0.144.7; JSON is YAML.
 */
import { claudeCode, conventionMetrics, spanEvents } from "./allowed";
import {
  dropTold,
  errorWord,
  expected,
  heldBack,
  holdsContent,
  knownSchema,
  ofResource,
  ofScope,
  otherScopes,
  redaction,
  tellNames,
} from "./content";
import { asLabel, asLabels, identity, ownerOfKey, stamp, unclaim } from "./identity";
import { believable, limits } from "./limits";
import type { GateOptions } from "./options";
import {
  any,
  content,
  float,
  marked,
  matches,
  odd,
  oneOf,
  redactedKeys,
  refusedReason,
  type Signal,
  type Statements,
  unkept,
} from "./ottl";
import {
  atMost,
  before,
  inFuture,
  refuse,
  setClock,
  takeClock,
  tooMany,
  tooNew,
  tooOld,
  valueBytes,
} from "./poison";

/** The rendered files of the collector's configuration folder, by name. */
export function gateFiles(options: GateOptions): Record<string, string> {
  return { "processors.yaml": `${JSON.stringify(processors(options), null, 2)}\n` };
}

export function processors(options: GateOptions): Record<string, unknown> {
  return {
    memory_limiter: { check_interval: "1s", limit_percentage: 75, spike_limit_percentage: 20 },
    "resource/owner": ownerOfKey,
    // redaction goes through a body that is a list or a map with a path for each level: memory by the square of the depth.
    "transform/bodies": {
      error_mode: "propagate",
      log_statements: [
        {
          context: "log",
          statements: [
            `set(body.string, ${options.keepContent ? "body.string" : '""'}) where not IsString(body)`,
          ],
        },
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
    "batch/let_go": { timeout: "5s", send_batch_size: 1000 },
  };
}

/** What every record goes through, and what only those do whose resource it found to be odd. */
interface Filter {
  /** How old a record may be. */
  days: number;
  all: Statements[];
  ofOdd: Statements[];
}

function transform(
  signal: Signal,
  field: string,
  { days, all, ofOdd }: Filter,
  options: GateOptions,
) {
  const statements = (list: Statements[]) => ({ error_mode: "propagate", [field]: list });
  return {
    [`transform/${signal}`]: statements([...common(signal, days, options), ...all, takeClock]),
    [`transform/${signal}_odd`]: statements(ofOdd),
  };
}

/** What every signal's resource and scope go through. */
function common(signal: Signal, days: number, options: GateOptions): Statements[] {
  return [
    {
      context: "resource",
      statements: [
        ...identity,
        atMost(valueBytes(options)),
        `limit(attributes, ${limits.attributes}, ["engineer", "engineer.verified", "team", "service.name"])`,
        ...(options.keepContent ? [] : [knownSchema, ...dropTold]),
        ...ofResource(signal, options),
        ...tellNames,
        ...(signal === "metrics" ? asLabels(options) : []),
        `set(attributes["${odd}"], true) where attributes["${redactedKeys}"] != nil`,
        ...setClock(days),
      ],
    },
    ofScope(signal, options),
  ];
}

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
  const ofSummary = (condition: string) =>
    `metric.type == METRIC_DATA_TYPE_SUMMARY and (${condition})`;
  const summed = (condition: string) => any(ofHistogram(condition), ofSummary(condition));
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
    days: retentionDays.metrics,
    all: [
      {
        context: "metric",
        statements: [
          ...(keepContent
            ? [`delete_key(metadata, "${refusedReason}")`, asLabel("name")]
            : [
                "keep_keys(metadata, [])",
                'set(description, "") where description != ""',
                `set(unit, "") where unit != "" and not ${matches("unit", "^[A-Za-z0-9%{}/.*_-]{1,24}$$")}`,
                `set(metadata["${refusedReason}"], "unlisted_metric") where instrumentation_scope.name == "${claudeCode.metrics.scope}" and not ${matches("name", "^claude_code[.][a-z_.]{1,64}$$")}`,
                `set(metadata["${refusedReason}"], "unlisted_metric") where instrumentation_scope.name != "${claudeCode.metrics.scope}" and not IsMatch(name, ${listed})`,
                `set(name, "unlisted") where metadata["${refusedReason}"] != nil`,
              ]),
          `set(metadata["${refusedReason}"], "too_many_parts") where Len(data_points) > ${limits.pointsPerMetric}`,
          // SigNoz's exporter (v0.144.12) drops them after the client's OK without a word.
          `set(metadata["${refusedReason}"], "exponential_histogram") where type == METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM`,
          `${marked} where type != METRIC_DATA_TYPE_SUM or metadata["${refusedReason}"] != nil`,
        ],
      },
      {
        context: "datapoint",
        statements: [
          ...unclaim(options),
          ...(keepContent ? [] : dropTold),
          // Before the mask, which would hide the list for one name in it.
          ...tellNames,
          ...asLabels(options),
          atMost(valueBytes(options)),
          `${marked} where ${any(`attributes["${redactedKeys}"] != nil`, tooOld("time_unix_nano"), tooNew("time_unix_nano"), suspicious, tooMany)}`,
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
          refuse("too_many_parts", ofSummary(`Len(quantile_values) > ${limits.buckets}`)),
          refuse("absurd", tooLarge),
          refuse("absurd", summed(`sum > ${largest} or sum < -${largest}`)),
          refuse("not_a_number", summed("sum != sum")),
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
    days: retentionDays.logs,
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
                ...dropTold,
                // Two expressions, because one that begins with a text is told by that text.
                `set(body, "") where not ${matches("body", "^claude_code[.][a-z_]{1,64}$$")} and not ${matches("body", "^verify-telemetry [0-9TZ:-]{20} [0-9]{1,10}$$")}${own}`,
                `set(severity_text, "") where severity_text != "" and not ${matches("severity_text", "^(?i:trace|debug|info|warn|warning|error|fatal|critical|notice)[1-4]?$$")}`,
                `set(event_name, "") where event_name != "" and not ${matches("event_name", "^(?:claude_code|gen_ai)[.][a-z_.]{1,64}$$")}`,
                errorWord,
              ]),
          `${marked} where ${any(`${heldBack} and not ${expected("logs")}`, tooOld("time_unix_nano"), tooNew("time_unix_nano"), tooMany)}`,
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

function traces(options: GateOptions): Filter {
  const { keepContent, ownNames, retentionDays } = options;
  const spanDays = Math.min(retentionDays.traces, limits.spanDays);
  const old = before("start_time_unix_nano", spanDays);
  const future = any(inFuture("start_time_unix_nano"), inFuture("end_time_unix_nano"));
  const backwards = "end_time_unix_nano < start_time_unix_nano";
  const parts = any(`Len(events) > ${limits.spanParts}`, `Len(links) > ${limits.spanParts}`);
  const own = ownNames.length > 0 ? ` and not IsMatch(name, ${oneOf(ownNames)})` : "";
  return {
    days: spanDays,
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
                ...dropTold,
                `set(name, "unlisted") where not ${matches("name", "^claude_code(?:[.][a-z_]{1,32}){1,4}$$")}${own}`,
                'set(status.message, "") where status.message != ""',
                'set(trace_state, "") where trace_state != ""',
                errorWord,
              ]),
          refuse("too_many_parts", parts),
          `${marked} where ${any(`${heldBack} and not ${expected("traces")}`, `attributes["${refusedReason}"] != nil`, tooOld("start_time_unix_nano"), tooNew("start_time_unix_nano"), tooNew("end_time_unix_nano"), backwards, tooMany)}`,
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
                ...dropTold,
                `set(name, "unlisted") where not IsMatch(name, ${oneOf([...spanEvents, ...ownNames])})`,
                `${marked} where attributes["${redactedKeys}"] != nil`,
                errorWord,
              ]),
          'delete_matching_keys(attributes, "^engineer(?:[.]verified)?$$")',
          atMost(valueBytes(options)),
          `set(time_unix_nano, span.start_time_unix_nano) where ${any(before("time_unix_nano", limits.spanDays), inFuture("time_unix_nano"))}`,
        ],
      },
    ],
    ofOdd: [
      ...otherScopes("span", "traces", options),
      ...otherScopes("spanevent", "traces", options),
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
