import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fillPlaceholders, renderClaudeSettings, renderHook, shellQuote } from "../../hooks/render";
import { values } from "./engineerMachine";

const odd = [
  "it's",
  "$&",
  "$'",
  "100%",
  "a\nb",
  "`id`",
  "$(id)",
  "\\",
  '"',
  "@NAME",
  "$1",
  " x",
  "ü",
];

describe("shellQuote", () => {
  it.each(odd)("makes one word of %j", (value) => {
    const script = `printf %s ${shellQuote(value)}`;
    expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe(value);
  });
  it("refuses what no shell word can hold", () => {
    expect(() => shellQuote("a\0b")).toThrow("NUL");
  });
});

describe("fillPlaceholders", () => {
  it("takes a value as it is, whatever a replacement string would make of it", () => {
    for (const value of odd.filter((text) => !text.startsWith(" "))) {
      const script = `${fillPlaceholders("my_value=@MY_VALUE@\n", { myValue: value })}printf %s "$my_value"`;
      expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe(value);
    }
  });
  it("names the value that is missing, unused or out of place", () => {
    expect(() => fillPlaceholders("org=@ORG@", {})).toThrow("@ORG@ has no value: org is missing");
    expect(() => fillPlaceholders("org=@ORG@", { org: "a", team: "b" })).toThrow("value team");
    expect(() => fillPlaceholders("echo @ORG_NAME@", {})).toThrow("@ORG_NAME@ is not filled");
  });
});

describe("renderHook", () => {
  it("is one file that needs no other", () => {
    const hook = renderHook(values);
    expect(hook).not.toMatch(/@[A-Z_]+@|(parts|clients)\/|\[object|Calling \[toString\]/);
    execFileSync("sh", ["-n"], { input: hook });
  });
  it("refuses a variable name that the shell would execute", () => {
    expect(() => renderHook({ ...values, teamVariable: "X:-$(id)" })).toThrow(
      'teamVariable must be the name of an environment variable (letters, digits, _): got "X:-$(id)"',
    );
  });
  it("never switches on the content of prompts or tools", () => {
    expect(renderHook(values)).not.toMatch(/OTEL_LOG_/);
  });
});

const parts = readdirSync("hooks/parts", { recursive: true, encoding: "utf8" });
it.each(parts.filter((path) => path.includes(".")))("%s is any client's: it names none", (part) => {
  expect(readFileSync(`hooks/parts/${part}`, "utf8")).not.toMatch(/claude|anthropic/i);
});

describe("renderClaudeSettings", () => {
  it("registers the hook in the shape Claude Code takes", () => {
    expect(JSON.parse(renderClaudeSettings())).toEqual({
      hooks: {
        SessionStart: [
          {
            matcher: expect.stringContaining("startup"),
            hooks: [
              {
                type: "command",
                command: expect.stringContaining("telemetry-hook.sh"),
                timeout: 10,
              },
            ],
          },
        ],
      },
    });
  });
});

describe("docs/telemetry-setup.md", () => {
  const text = readFileSync(join(__dirname, "../../docs/telemetry-setup.md"), "utf8");
  const hook = renderHook(values);

  it("names subcommands, files and doctor's lines as the hook has them", () => {
    const subcommands = /^ {2}([a-z |]+)\)\n {4}command=/m.exec(hook)?.[1]?.split(" | ") ?? [];
    const named = [...text.matchAll(/telemetry-hook\.sh ([a-z]+)/g)].map(([, name]) => name);
    expect(new Set(named)).toEqual(new Set(subcommands));
    const table = text.split("## When it does not report")[1]?.split("## ")[0] ?? "";
    const lines = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = ""]) =>
      cell.split(", "),
    );
    const findings = [...hook.matchAll(/(?:finding \S+|absent) "?(\w+)"? /g)].map(
      ([, name]) => `\`${name}\``,
    );
    expect(lines.filter((line) => !findings.includes(line))).toEqual([]);
    expect(text).toContain(". ~/.claude/telemetry-hook/env");
  });
});
