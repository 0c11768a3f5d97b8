import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Machine } from "../../hooks/engineerMachine";

/** Texts that a parser and a printer would not give back, each in latin1. */
const texts: [string, string][] = [
  [
    "a key twice",
    '{"permissions":{"allow":["Bash(make:*)"]},"permissions":{"deny":["Read(.env)"]}}\n',
  ],
  ["bytes that are not UTF-8", '{"dirs": ["/srv/caf\xe9", "\xff\xfe"]}\n'],
  ["a byte order mark", '\xef\xbb\xbf{\n  "model": "opus"\n}\n'],
  ["CRLF", '{\r\n  "model": "opus",\r\n  "env": {\r\n    "A": "1"\r\n  }\r\n}\r\n'],
  ["spellings of numbers", '{"a": 1.0, "b": 1E3, "c": -0, "d": 12345678901234567890, "e": 0.10}\n'],
  ["keys that look like numbers", '{"b": 1, "10": 2, "1": 3}\n'],
  ["escapes", '{"a": "\\u00e9 \\/ \\ud83d\\ude00", "\\u0062": 1}\n'],
  ["odd blanks", '\n\t{\n\n\t"a" :  1 ,"b":[ ]\n, "env" : { } }\n\n'],
  ["no line end at the end", '{"env":{"A":"1"},"b":{}}'],
  ["brackets in texts", '{"a": "}{][\\"", "env": {"B": "}\\\\"}, "c": "\\\\"}\n'],
  ["an env of numbers and truths", '{"env": {"A": 1, "B": true, "C": null, "D": 1.50}}\n'],
  ["deep and long", `{"x": ${"[".repeat(200)}1${"]".repeat(200)}, "y": "${"z".repeat(5000)}"}\n`],
];

/** Parts of the text that must stand in the new one, in their order: all of it but the braces that grow. */
const pieces = (text: string) =>
  text
    .split(/(?<=")|[{}]/)
    .map((piece) => piece.trim())
    .filter(Boolean);

describe.concurrent("settings.json comes out with", () => {
  it.each(texts)("%s, and as it was after uninstall", async (_what, text) => {
    const machine = new Machine({ hook: { onePasswordReference: "" } });
    try {
      writeFileSync(machine.settings, Buffer.from(text, "latin1"));
      const start = await machine.run([], { env: { SIGNOZ_KEY: "key-1" } });
      expect(start.stdout).toContain("is set in");
      const after = readFileSync(machine.settings, "latin1");
      let at = 0;
      for (const piece of pieces(text)) {
        const found = after.indexOf(piece, at);
        expect(found, `${JSON.stringify(piece)} of ${after}`).toBeGreaterThanOrEqual(at);
        at = found + piece.length;
      }
      expect(after.startsWith("\xef\xbb\xbf")).toBe(text.startsWith("\xef\xbb\xbf"));
      if (text.includes("\r\n")) expect(after).not.toMatch(/[^\r]\n/);
      expect(
        JSON.parse(after.replace(/^\xef\xbb\xbf/, "")).env.OTEL_EXPORTER_OTLP_HEADERS,
      ).toContain("key-1");
      expect(await machine.run(["uninstall"])).toMatchObject({ code: 0 });
      expect(readFileSync(machine.settings, "latin1")).toBe(text);
    } finally {
      machine.remove();
    }
  });
  it.each([
    ["env twice", '{"env": {"A": "1"}, "env": {"B": "2"}}\n'],
    ["a member of env twice", '{"env": {"A": "1", "A": "2"}}\n'],
    ["env behind an escape", '{"\\u0065nv": {"A": "1"}}\n'],
    ["a comment", '{"a": 1} // mine\n'],
    ["a trailing comma", '{"a": 1,}\n'],
  ])("nothing changed where it has %s, and the env file instead", async (_what, text) => {
    const machine = new Machine({ hook: { onePasswordReference: "" } });
    try {
      writeFileSync(machine.settings, text);
      const start = await machine.run([], { env: { SIGNOZ_KEY: "key-1" } });
      expect(start.stdout).toContain("cannot hold the telemetry settings");
      expect(readFileSync(machine.settings, "utf8")).toBe(text);
      expect(machine.sourced(`${machine.state}/env`).OTEL_EXPORTER_OTLP_HEADERS).toContain("key-1");
    } finally {
      machine.remove();
    }
  });
});
