/** What of a record may pass: nothing of what was said, and of names and texts only those of allowed.ts. */
import { claudeCode, conventions, expectedContent, namesOf } from "./allowed";
import { asLabel, asLabels } from "./identity";
import { limits } from "./limits";
import type { GateOptions } from "./options";
import {
  content,
  marked,
  matches,
  oneOf,
  quote,
  redactedKeys,
  type Signal,
  type Statements,
} from "./ottl";

/** In a list, the one word that may stand in it (gen_ai.response.finish_reasons) has at most so many letters. */
const wordLetters = 32;

/**
 * Numbers that are none, maps, and lists other than the empty one and that of one word, as texts; a team may be called
 * [EMEA] or {core}, so JSON has to go on as JSON does. Each letter decides alone where to go on, up to the end: Go
 * matches such a pattern in one pass, without going back.
 */
const notPlain = `(?s)^(?:json: unsupported value.*|{["}].*|\\[(?:[\\[{0-9-].*|(?:true|false|null)[,\\]].*|"${Array.from(
  { length: wordLetters },
).reduce<string>((rest) => `(?:[a-z_]${rest}|[^a-z_"].*|",.*)`, ".*")}))$$`;

/** Bytes, which are stored as base64 and which no cut shortens. */
const longBytes = `(?s)^[A-Za-z0-9+/]{${Math.ceil(limits.valueBytes / 3) * 4 + 1}}.*$$`;

const flat = '(?:[^"\\[\\]{}]|"(?:[^"\\\\]|\\\\.)*")*';
/** JSON whose lists and maps go at most so many levels deep. */
const within = (levels: number): string =>
  levels === 0 ? flat : `${flat}(?:[\\[{]${within(levels - 1)}[\\]}]${flat})*`;
/** Up to the first bracket that is so many levels deep: what was closed before is no deeper. */
const beyond = (levels: number): string =>
  levels === 0 ? "[\\[{]" : `[\\[{]${within(levels - 1)}${beyond(levels - 1)}`;

/** Drops attributes by name and says which; masks what no store can hold: NaN, infinite and nested values, with kept content the deep ones. */
export function redaction(signal: Signal, { keepContent, ownNames }: GateOptions) {
  return {
    allow_all_keys: keepContent,
    allowed_keys: [...namesOf([...claudeCode[signal].allowed, ...conventions]), ...ownNames],
    redact_all_types: true,
    blocked_values: keepContent
      ? ["(?s)^json: unsupported value.*$$", `(?s)^${beyond(limits.nestedValues)}`]
      : [notPlain, longBytes],
    summary: "debug",
  };
}

/** What Claude Code is known to send and the gate to hold back: names that need no second look, only to be counted. */
export const expected = (signal: "logs" | "traces") =>
  `IsMatch(attributes["${redactedKeys}"], "^(?:(?:${expectedContent[signal].join("|")})(?:,|$$))+$$")`;
export const heldBack = `attributes["${redactedKeys}"] != nil`;
export const holdsContent = `set(resource.attributes["${content}"], true) where ${heldBack}`;

/** Names held back are told by form: an identifier cannot be a sentence. */
export const tellNames = [
  `replace_pattern(attributes["${redactedKeys}"], "[^,]*[^A-Za-z0-9_.,][^,]*|[^,]{65,}", "other")`,
];

/** What the redaction processor (v0.144) tells beside the names and lets everybody send. */
export const dropTold = ["masked.keys", "masked.count", "redacted.count", "ignored.count"].map(
  (name) => `delete_key(attributes, "redaction.${name}")`,
);

/** An error's name passes; its text may quote what was said. */
export const errorWord = `set(attributes["error"], "other") where attributes["error"] != nil and not ${matches('attributes["error"]', "^[A-Za-z][A-Za-z0-9_.]{0,47}$$")}`;

export const knownSchema =
  'set(schema_url, "") where schema_url != "" and not IsMatch(schema_url, "^https://opentelemetry[.]io/schemas/[0-9.]+$$")';

/** What a scope says of itself. */
export function ofScope(signal: Signal, options: GateOptions): Statements {
  if (options.keepContent)
    return {
      context: "scope",
      statements: [
        'delete_matching_keys(attributes, "^engineer(?:[.]verified)?$$")',
        ...(signal === "metrics"
          ? [...asLabels(options), ...["name", "version", "schema_url"].map(asLabel)]
          : []),
      ],
    };
  const knownScopes = [...Object.values(claudeCode).map(({ scope }) => scope), ...options.ownNames];
  return {
    context: "scope",
    statements: [
      `set(name, "") where not IsMatch(name, ${oneOf(knownScopes)}) and not ${matches("name", "^(?:@opentelemetry/|opentelemetry[.]|io[.]opentelemetry[.]|go[.]opentelemetry[.]io/)[A-Za-z0-9_./@-]{1,100}$$")}`,
      `set(version, "") where not ${matches("version", "^[0-9A-Za-z.+_-]{0,32}$$")}`,
      knownSchema,
      ...tellNames,
      `${marked} where attributes["${redactedKeys}"] != nil or name != "${claudeCode[signal].scope}"`,
      `keep_keys(attributes, ["${redactedKeys}"])`,
    ],
  };
}

/** Drops and tells Claude Code's names, which say what they hold on the records of its own scopes alone. */
function withoutItsNames(signal: Signal, { ownNames }: GateOptions): string[] {
  const anywhere = [...namesOf(conventions), ...ownNames];
  const its = namesOf(claudeCode[signal].allowed).filter((name) => !anywhere.includes(name));
  return [
    'set(cache["rest"], attributes)',
    `keep_keys(cache["rest"], ${JSON.stringify(its)})`,
    'set(cache["names"], String(Keys(cache["rest"]))) where Len(cache["rest"]) > 0',
    `set(cache["names"], Concat([cache["names"], attributes["${redactedKeys}"]], ",")) where cache["names"] != nil and attributes["${redactedKeys}"] != nil`,
    `set(attributes["${redactedKeys}"], cache["names"])`,
    `${marked} where cache["names"] != nil`,
    `replace_pattern(attributes["${redactedKeys}"], ${quote('[\\[\\]"]')}, "")`,
    `delete_matching_keys(attributes, ${oneOf(its)}) where cache["names"] != nil`,
  ];
}

export const ofResource = (signal: Signal, options: GateOptions) =>
  options.keepContent ? [] : withoutItsNames(signal, options);

export const otherScopes = (context: string, signal: Signal, options: GateOptions): Statements[] =>
  options.keepContent
    ? []
    : [
        {
          context,
          conditions: [`instrumentation_scope.name != "${claudeCode[signal].scope}"`],
          statements: withoutItsNames(signal, options),
        },
      ];
