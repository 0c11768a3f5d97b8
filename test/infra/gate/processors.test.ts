import { describe, expect, it } from "vitest";
import { claudeCode, conventions, namesOf } from "../../../infra/gate/allowed";
import { defaultGate } from "../../../infra/gate/options";
import { gateFiles, processors } from "../../../infra/gate/processors";
import { events, metrics, spans } from "../../../infra/signoz/names";

describe("what passes by name", () => {
  const groups = [...conventions, ...Object.values(claudeCode).flatMap(({ allowed }) => allowed)];

  it("gives each group a reason, and each name once in it", () => {
    for (const { because, names } of groups) {
      expect(because.length).toBeGreaterThan(2);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("names nothing that is known to hold what was said", () => {
    const content =
      /^(?:prompt|prompt_text|user_prompt|response|body|tool_input|tool_parameters|full_command|file_path|bash_argv0|gen_ai[.](?:input[.]messages|output[.]messages|system_instructions|prompt|completion|tool[.](?:definitions|call[.](?:arguments|result))).*|.*(?:[.]url[.]full|url[.]query|message|stacktrace|content|statement))$/;
    expect(namesOf(groups).filter((name) => content.test(name))).toEqual([]);
  });

  it.each([
    ["metrics", metrics],
    ["logs", events],
    ["traces", spans],
  ] as const)(
    "%s: holds every attribute that a panel, view or rule asks for",
    (signal, sources) => {
      const passing = namesOf([...claudeCode[signal].allowed, ...conventions]);
      const asked = Object.values(sources).flatMap(({ attributes }) => attributes);
      expect(
        asked.filter((name) => !passing.includes(name) && name !== "engineer.verified"),
      ).toEqual([]);
      expect(new Set(asked).size).toBeGreaterThan(6);
    },
  );
});

describe("the rendered processors", () => {
  const text = JSON.stringify(processors(defaultGate));

  it("let the names of the company's own programs pass when it says so", () => {
    expect(text).not.toContain("orders");
    const own = processors({ ...defaultGate, ownNames: ["orders"] });
    for (const signal of ["metrics", "logs", "traces"])
      expect(own[`redaction/${signal}`]).toMatchObject({
        allowed_keys: expect.arrayContaining(["orders"]),
      });
  });

  it("hold the retention of each signal, and for spans what SigNoz's exporter allows", () => {
    const days = (count: number) => `UnixNano(Now()) - ${BigInt(count) * 86_400_000_000_000n})`;
    const of = (name: string, retention: number) =>
      JSON.stringify(
        processors({
          ...defaultGate,
          retentionDays: { metrics: retention, logs: retention, traces: retention },
        })[name],
      );
    expect(of("transform/metrics", 400)).toContain(days(400));
    expect(of("transform/logs", 45)).toContain(days(45));
    expect(of("transform/traces", 7)).toContain(days(7));
    expect(of("transform/traces", 90)).not.toContain(days(90));
  });

  it("leave room in the instance's metadata", () => {
    const bytes = Buffer.byteLength(gateFiles(defaultGate)["processors.yaml"] ?? "");
    expect(bytes).toBeGreaterThan(5000);
    // One value holds every delivered file; Compute Engine takes 256 KB.
    expect(bytes).toBeLessThan(64 * 1024);
  });

  it("escape the dollar sign, which the collector would take for a variable", () => {
    expect(text.match(/(?<!\$)\$(?!\$)[A-Za-z{]/g)).toBeNull();
    expect(text.match(/[^$]\$[^$]/g)).toBeNull();
  });
});
