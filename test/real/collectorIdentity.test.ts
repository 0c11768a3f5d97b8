import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Exported, type Gate, OtlpClient, type Signal, startGate } from "./gate";
import { type Attributes, type Crafted, craft, levels, sample, valuesOf } from "./otlp";

const signals: Signal[] = ["metrics", "logs", "traces"];
const sharedKey = "shared-key-of-everybody";
const engineerKey = "first.last.5e3f0b61c2";
const keys = [engineerKey, sharedKey].join("\n");

let gate: Gate;
let client: OtlpClient;
let seen = 0;

async function start(env: Record<string, string> = {}) {
  gate = await startGate({ keys, env });
  client = new OtlpClient(gate);
  seen = 0;
}
async function stop() {
  client.close();
  await gate.stop();
}
afterEach(() => {
  seen = gate.received().length;
});

/** Sends and returns what of it came out at the other end. */
async function pass(signal: Signal, request: Buffer, key: string | string[]): Promise<Exported[]> {
  expect(await client.send(signal, request, { "signoz-ingestion-key": key })).toBe(0);
  await expect.poll(() => gate.received().length, { timeout: 5000 }).toBeGreaterThan(seen);
  const fresh = gate.received().slice(seen);
  seen += fresh.length;
  return fresh;
}

describe("recorded requests of Claude Code", () => {
  beforeAll(() => start());
  afterAll(stop);

  it.each(signals)("%s: everything arrives once, under the owner of the key", async (signal) => {
    // Counted in the recordings.
    const counts = { metrics: 18, logs: 37, traces: 31 };
    const exported = await pass(signal, sample(signal), engineerKey);
    const { resource, record } = levels(exported);
    expect(record).toHaveLength(counts[signal]);
    expect(valuesOf(resource, "engineer")).toEqual(["first.last"]);
    expect(record.map((one) => valuesOf([one], "engineer"))).toEqual(
      record.map(() => ["first.last"]),
    );
  });

  it.each(signals)("%s: under the shared key the client's own claim stays", async (signal) => {
    const { resource, record } = levels(await pass(signal, sample(signal), sharedKey));
    expect(valuesOf(resource, "engineer")).toEqual(["fake.engineer"]);
    expect(valuesOf(record, "engineer")).toEqual(["fake.engineer"]);
  });

  it.each(signals)("%s: no key travels on", async (signal) => {
    for (const key of [engineerKey, sharedKey]) {
      const text = JSON.stringify(await pass(signal, sample(signal), key));
      expect(text).not.toContain("5e3f0b61c2");
      expect(text).not.toContain(sharedKey);
      expect(text).not.toMatch(/engineer[._](?:key|owner)/);
    }
  });

  it.each(["http-protobuf-default", "grpc-metrics-logs-only"])(
    "logs of %s pass as well",
    async (set) => {
      const { record } = levels(await pass("logs", sample("logs", set), sharedKey));
      expect(record.length).toBeGreaterThan(30);
    },
  );
});

describe("a forged identity", () => {
  beforeAll(() => start());
  afterAll(stop);
  const twice: Attributes = [
    ["engineer", "chris"],
    ["engineer", "dana"],
  ];
  const internal: Attributes = ["engineer_owner", "engineer.owner", "engineer.key"].flatMap(
    (key): Attributes => [
      [key, "dana"],
      [key, "dana"],
      [key, "dana"],
    ],
  );

  it.each(signals)("%s: claims on every level give way to the owner of the key", async (signal) => {
    const parts = { resource: [...twice, ...internal], scope: twice, record: twice };
    const exported = await pass(signal, craft(signal, parts), engineerKey);
    const found = levels(exported);
    expect(found.resource).toEqual([[["engineer", "first.last"]]]);
    expect(found.record).toEqual([[["engineer", "first.last"]]]);
    expect(found.scope).toEqual([[]]);
  });

  it.each(signals)(
    "%s: the gate's own names cannot be used to speak for another",
    async (signal) => {
      const parts = { resource: [["engineer", "chris"], ...internal] as Attributes };
      const found = levels(await pass(signal, craft(signal, parts), sharedKey));
      expect(valuesOf(found.resource, "engineer")).not.toContain("first.last");
      expect(JSON.stringify(found)).not.toMatch(/engineer[._](?:key|owner)/);
    },
  );

  it("a second header does not count, in either order", async () => {
    const request = craft("logs", { resource: [["engineer", "chris"]] });
    const after = levels(await pass("logs", request, [engineerKey, "dana.0000000000"]));
    expect(valuesOf(after.resource, "engineer")).toEqual(["first.last"]);
    const before = levels(await pass("logs", request, [sharedKey, "dana.0000000000"]));
    expect(valuesOf(before.resource, "engineer")).toEqual(["chris"]);
  });
});

/** What Claude Code and GenAI instrumentations may carry of what was said, by level. */
const spoken = "what-was-said";
const claude = "com.anthropic.claude_code.events";
const contentOfClaude = [
  "prompt",
  "prompt_text",
  "user_prompt",
  "response",
  "response.model_output",
  "body",
  "new_context",
  "system_reminders",
  "system_prompt",
  "system_prompt_preview",
  "user_system_prompt",
  "tool",
  "tool_input",
  "tool_parameters",
  "full_command",
  "file_path",
];
const contentOfGenAi = [
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.system_instructions",
  "gen_ai.prompt",
  "gen_ai.prompt.0.content",
  "gen_ai.completion",
  "gen_ai.tool.definitions",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
];
const kept: Attributes = [
  ["prompt_length", "12"],
  ["tool_name", "Bash"],
  ["model", "m"],
  ["system_prompt_hash", "h"],
  ["gen_ai.request.model", "m"],
  ["error", "Overloaded"],
  ["event.name", "api_error"],
];
const withContent = (names: string[]): Attributes => [
  ...kept,
  ...names.map((name): [string, string] => [name, spoken]),
];

describe("content", () => {
  describe("by default", () => {
    beforeAll(() => start());
    afterAll(stop);

    it.each(["logs", "traces"] as const)(
      "%s: does not pass, numbers and names do",
      async (signal) => {
        const parts: Crafted = {
          scopeName: claude,
          record: withContent([...contentOfClaude, ...contentOfGenAi]),
        };
        const { record } = levels(await pass(signal, craft(signal, parts), sharedKey));
        expect(record).toEqual([kept]);
      },
    );

    it.each(["logs", "traces"] as const)(
      "%s: of other programs only GenAI content is held back",
      async (signal) => {
        const parts: Crafted = {
          scopeName: "shop",
          record: [["body", "a form"], ...withContent(contentOfGenAi)],
        };
        const { record } = levels(await pass(signal, craft(signal, parts), sharedKey));
        expect(record).toEqual([[["body", "a form"], ...kept]]);
      },
    );

    it("a tool's error text does not pass", async () => {
      const record: Attributes = [
        ["event.name", "tool_result"],
        ["error", spoken],
        ["error_type", "ShellError"],
      ];
      const passed = levels(
        await pass("logs", craft("logs", { scopeName: claude, record }), sharedKey),
      );
      expect(passed.record).toEqual([
        [
          ["event.name", "tool_result"],
          ["error_type", "ShellError"],
        ],
      ]);
    });

    it("a tool's output does not pass in a span event", async () => {
      const event = { name: "tool.output", attributes: [["anything", spoken]] as Attributes };
      const passed = levels(
        await pass("traces", craft("traces", { scopeName: claude, event }), sharedKey),
      );
      expect(passed.event).toEqual([[]]);
    });

    it("the recorded requests hold nothing of it, not even the redaction mark", async () => {
      for (const signal of signals) {
        expect(sample(signal).includes("<REDACTED>")).toBe(signal !== "metrics");
        expect(JSON.stringify(await pass(signal, sample(signal), sharedKey))).not.toContain(
          "REDACTED",
        );
      }
    });
  });

  it.each([
    ["true", true],
    ["false", false],
    ["", false],
    ["TRUE", false],
  ])("KEEP_CONTENT=%j lets it pass: %s", async (value, passes) => {
    await start({ KEEP_CONTENT: value });
    const request = craft("logs", { scopeName: claude, record: [["prompt", spoken]] });
    const text = JSON.stringify(await pass("logs", request, sharedKey));
    expect(text.includes(spoken)).toBe(passes);
    await stop();
  });
});
