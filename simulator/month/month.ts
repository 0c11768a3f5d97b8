/**
 * A month of telemetry that is known to the last token: made from a seed, in the shapes of Claude Code 2.1.330
 * (test/samples), for ten people in teams whose names hold every character that something on the way may misread.
 * The same input gives the same records; what a store or a dashboard must show is computed from them.
 */
import { randomUUID } from "node:crypto";

const minute = 60_000;
const hour = 60 * minute;
export const day = 24 * hour;

type Values = Record<string, string | number | boolean>;

interface Common {
  /** Epoch milliseconds. */
  at: number;
  /** Name of the metric, event or span. */
  name: string;
  /** Of the record itself, who sent it included. */
  attributes: Values;
  /** Owner of the key it comes with; absent = a shared key. */
  owner?: string;
  version: string;
}
/** Growth of a counter, sent as a delta. */
export interface Point extends Common {
  value: number;
}
export interface Span extends Common {
  durationNano: number;
}

export interface Month {
  points: Point[];
  logs: Common[];
  spans: Span[];
}

/** The month as it is stored when all of it comes under a shared key, where the gate lets no claim look like an address. */
export function unproven({ points, logs, spans }: Month): Month {
  const claimed = <R extends Common>({ owner, ...record }: R) => {
    const engineer = `${record.attributes.engineer}`.replaceAll("@", "_at_");
    return { ...record, attributes: { ...record.attributes, engineer } } as unknown as R;
  };
  return { points: points.map(claimed), logs: logs.map(claimed), spans: spans.map(claimed) };
}

interface Person {
  engineer: string;
  team: string;
  /** Has a key of their own, which proves the name. */
  proven?: boolean;
  /** Share of the days on which they work with it. */
  diligence: number;
  version: string;
  cached: number;
  /** Days before the end since which they are silent. */
  stopped?: number;
}

/** `\`, `%`, quotes, `<`, `>`, `&`, blanks, other scripts; nobody's team is empty. */
export const people: Person[] = [
  {
    engineer: "ada@corp.example",
    team: "platform",
    proven: true,
    diligence: 1,
    version: "2.1.330",
    cached: 0.9,
  },
  {
    engineer: "grace@corp.example",
    team: "research",
    proven: true,
    diligence: 0.9,
    version: "2.1.331",
    cached: 0.2,
  },
  { engineer: "linus", team: "r&d", diligence: 0.7, version: "2.1.330", cached: 0.7 },
  { engineer: "zoë", team: "r&d", diligence: 0.5, version: "2.1.331", cached: 0.6 },
  { engineer: "o'neill", team: "<platform>", diligence: 0.4, version: "2.1.329", cached: 0.8 },
  { engineer: "東京", team: 'say "hi"', diligence: 0.4, version: "2.1.330", cached: 0.5 },
  { engineer: "dana", team: "back\\slash", diligence: 0.3, version: "2.1.330", cached: 0.5 },
  { engineer: "kim", team: "100 % team", diligence: 0.3, version: "2.1.331", cached: 0.4 },
  {
    engineer: "lee",
    team: "platform",
    diligence: 0.6,
    version: "2.1.328",
    cached: 0.65,
    stopped: 10,
  },
  { engineer: "sam", team: "", diligence: 0.2, version: "2.1.330", cached: 0.1 },
];

/** Mulberry32: small, seeded, the same everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const models = ["claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5"];
const tools = ["Bash", "Edit", "Read", "Write"];

/**
 * @param endMs when the month ends; everything was sent before
 * @param days how many, that many days of telemetry
 * @param recordDays log records and spans only of the last so many days: stores keep them shorter than metrics
 */
export function knownMonth({
  endMs,
  days = 31,
  recordDays = 13,
  seed = 1,
}: {
  endMs: number;
  days?: number;
  recordDays?: number;
  seed?: number;
}): Month {
  const month: Month = { points: [], logs: [], spans: [] };
  const next = random(seed);
  const pick = <T>(from: T[]): T => from[Math.floor(next() * from.length)] as T;
  for (let back = days; back >= 1; back--)
    for (const person of people) {
      const works = next() < person.diligence || back === 1;
      if (!works || (person.stopped ?? 0) >= back) continue;
      const begin = endMs - back * day + Math.floor(next() * 20 * hour);
      session(month, person, begin, back <= recordDays, next, pick);
      // Within the last hour too, so that the shortest range has something.
      if (back === 1) session(month, person, endMs - 50 * minute, true, next, pick);
    }
  const before = <R extends Common>({ at }: R) => at < endMs - minute;
  return {
    points: month.points.filter(before),
    logs: month.logs.filter(before),
    spans: month.spans.filter(before),
  };
}

function session(
  { points, logs, spans }: Month,
  person: Person,
  begin: number,
  withRecords: boolean,
  next: () => number,
  pick: <T>(from: T[]) => T,
): void {
  const { engineer, team, proven, version, cached } = person;
  const who = { engineer, ...(team !== "" && { team }) };
  const common = {
    ...(proven && { owner: engineer }),
    version,
  };
  const own: Values = { ...who, "session.id": uuid(next), "terminal.type": "xterm-256color" };
  const count = (at: number, name: string, value: number, more: Values = {}) =>
    points.push({
      ...common,
      at,
      name: `claude_code.${name}`,
      value,
      attributes: { ...own, ...more },
    });
  const log = (at: number, name: string, more: Values) =>
    withRecords &&
    logs.push({
      ...common,
      at,
      name: `claude_code.${name}`,
      attributes: { ...own, "event.name": name, ...more },
    });
  const span = (at: number, name: string, durationNano: number, more: Values) =>
    withRecords &&
    spans.push({
      ...common,
      at,
      name: `claude_code.${name}`,
      durationNano,
      attributes: { ...own, ...more },
    });

  count(begin, "session.count", 1, { start_type: next() < 0.8 ? "fresh" : "resume" });
  const turns = 3 + Math.floor(next() * 5);
  for (let turn = 0; turn < turns; turn++) {
    const at = begin + turn * 7 * minute + Math.floor(next() * 50_000);
    const model = pick(models);
    const source = next() < 0.8 ? "main" : "subagent";
    const input = 100 + Math.floor(next() * 900);
    const read = Math.floor((input * 10 * cached) / (1.01 - cached));
    const tokens = {
      input,
      output: 50 + Math.floor(next() * 500),
      cacheRead: read,
      cacheCreation: Math.floor(input / 2),
    };
    const cost = Math.round((tokens.output * 75 + input * 15 + read * 1.5) * 10) / 1e6;
    count(at, "cost.usage", cost, {
      model,
      query_source: source,
      ...(source !== "main" && { "agent.name": "explore" }),
    });
    for (const [type, value] of Object.entries(tokens))
      count(at, "token.usage", value, { type, model, query_source: source });
    count(at, "active_time.total", 30 + Math.floor(next() * 60), { type: "cli" });
    count(at, "active_time.total", 5 + Math.floor(next() * 10), { type: "user" });
    log(at, "user_prompt", { prompt_length: String(20 + turn) });
    const durationMs = 500 + Math.floor(next() * 9000);
    if (next() < 0.15)
      log(at + 1000, "api_error", {
        model,
        error: "overloaded",
        status_code: pick([429, 500, 529]),
        attempt: 1 + Math.floor(next() * 3),
        duration_ms: durationMs,
      });
    log(at + 2000, "api_request", {
      ...{
        model,
        cost_usd: cost,
        duration_ms: durationMs,
        ttft_ms: Math.floor(durationMs / 3),
        query_source: source,
      },
      ...{ input_tokens: input, output_tokens: tokens.output, cache_read_tokens: read },
    });
    span(at + 2000, "llm_request", durationMs * 1e6, {
      model,
      success: true,
      stop_reason: pick(["end_turn", "tool_use"]),
    });
    const tool = pick(tools);
    const refused = next() < 0.1;
    const decision = {
      tool_name: tool,
      decision: refused ? "reject" : "accept",
      source: refused ? "user_reject" : "config",
    };
    log(at + 3000, "tool_decision", decision);
    span(at + 3000, "tool.blocked_on_user", Math.floor(next() * 5e9), {
      decision: decision.decision,
      source: decision.source,
    });
    if (refused) continue;
    const failed = next() < 0.2;
    log(at + 4000, "tool_result", {
      ...{
        tool_name: tool,
        success: String(!failed),
        duration_ms: String(Math.floor(next() * 4000)),
      },
      ...(failed && { error_type: pick(["timeout", "exit_code"]) }),
    });
    if (tool !== "Edit" && tool !== "Write") continue;
    count(at, "code_edit_tool.decision", 1, {
      ...decision,
      source: "config",
      language: pick(["TypeScript", "Go", "Python"]),
    });
    count(at, "lines_of_code.count", 1 + Math.floor(next() * 40), { type: "added", model });
    count(at, "lines_of_code.count", Math.floor(next() * 20), { type: "removed", model });
  }
  if (next() < 0.6) count(begin + turns * 7 * minute, "commit.count", 1);
  if (next() < 0.3) count(begin + turns * 7 * minute, "pull_request.count", 1);
}

const uuid = (next: () => number): string =>
  randomUUID().replace(/[0-9a-f]/g, () => Math.floor(next() * 16).toString(16));
