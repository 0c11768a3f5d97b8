import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { renderClaudeSettings, renderHook } from "../../hooks/render";
import { mergeClaudeSettings } from "../../scripts/claudeSettings";
import { values } from "../hooks/engineerMachine";

const fragment = renderClaudeSettings();
const registration = JSON.parse(fragment).hooks.SessionStart[0];

describe("mergeClaudeSettings", () => {
  it("adds the registration to what is there, in the file's own indentation", () => {
    const before = '{\n    "model": "opus",\n    "hooks": {"Stop": [{"hooks": []}]}\n}\n';
    const after = mergeClaudeSettings(before, fragment);
    expect(JSON.parse(after)).toEqual({
      model: "opus",
      hooks: { Stop: [{ hooks: [] }], SessionStart: [registration] },
    });
    expect(after).toMatch(/^ {4}"model"/m);
  });
  it("is the same text the second time", () => {
    const once = mergeClaudeSettings('{"a": 1}', fragment);
    expect(mergeClaudeSettings(once, fragment)).toBe(once);
  });
  it("replaces an older registration, in either shape, and keeps other hooks beside it", () => {
    const other = { type: "command", command: "greet" };
    const old = { type: "command", command: "~/.claude/hooks/telemetry-hook.sh" };
    const before = {
      hooks: { SessionStart: [old, { matcher: "x", hooks: [other, old] }, { hooks: [old] }] },
    };
    expect(
      JSON.parse(mergeClaudeSettings(JSON.stringify(before), fragment)).hooks.SessionStart,
    ).toEqual([{ matcher: "x", hooks: [other] }, registration]);
  });
  it.each([
    ['{"a": 1,}', "not valid JSON"],
    ['// mine\n{"a": 1}', "comments included"],
    ["[1]", "not a JSON object: it begins with [1]"],
    ['{"hooks": {}, "hooks": {}}', '"hooks" twice'],
    ['{"hooks": {"SessionStart": [], "SessionStart": []}}', '"SessionStart" twice'],
    ['{"hooks": {"SessionStart": {}}}', "hooks.SessionStart of settings.json is not a list"],
    ['{"hooks": {"SessionStart": null}}', "hooks.SessionStart of settings.json is not a list"],
    ['{"hooks": {"SessionStart": [null]}}', "holds null, which is no object"],
    ['{"hooks": {"SessionStart": [{"hooks": ["x"]}]}}', 'holds "x", which is no object'],
    ['{"hooks": null}', "hooks of settings.json is not an object: it is null"],
    ['{"hooks": []}', "hooks of settings.json is not an object: it is []"],
  ])("refuses %s", (text, message) => {
    expect(() => mergeClaudeSettings(text, fragment)).toThrow(message);
  });
});

describe("mergeClaudeSettings keeps", () => {
  const theirs = [
    ["keys given twice", '{"permissions":{"allow":["Bash(make:*)"]},"permissions":{"deny":[]}}'],
    ["bytes that are not UTF-8, read as latin1", '{"dirs": ["/srv/caf\u00e9"]}'],
    ["a byte order mark", '\uFEFF{"model": "opus"}'],
    ["a byte order mark, read as latin1", '\u00EF\u00BB\u00BF{"model": "opus"}'],
    ["CRLF", '{\r\n  "model": "opus",\r\n  "b": 1\r\n}\r\n'],
    ["spellings of numbers", '{"a": 1.0, "b": 1e3, "c": -0, "d": 12345678901234567890}'],
    ["the order of keys that look like numbers", '{"b": 1, "10": 2, "1": 3}'],
    ["escapes", '{"a": "\\u00e9\\/", "\\u0062": 1}'],
    ["tabs and blank lines", '{\n\n\t"a":  1 ,\n\t"b":[ ]\n}'],
    ["no line end at the end", '{"a": 1}'],
    [
      "other hooks as they are spelt",
      '{"hooks": {"SessionStart": [ {"hooks": [ {"command":"x"} ]} ]}}',
    ],
  ] as const;
  it.each(theirs)("%s", (_what, before) => {
    const after = mergeClaudeSettings(before, fragment);
    const kept = before.replace(/^(\uFEFF|\u00EF\u00BB\u00BF)/, "").replace(/[\]}\s]+$/, "");
    expect(after).toContain(kept);
    expect(after.startsWith(before.slice(0, 4))).toBe(true);
    expect(after.includes("\r\n")).toBe(before.includes("\r\n"));
    expect(/[^\r]\n/.test(after) && before.includes("\r\n")).toBe(false);
    expect(
      JSON.parse(after.replace(/^(\uFEFF|\u00EF\u00BB\u00BF)/, "")).hooks.SessionStart.at(-1),
    ).toEqual(registration);
    expect(mergeClaudeSettings(after, fragment)).toBe(after);
  });
});

describe("npm run export", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "claude-config-"));
    const outputs = { telemetryHook: renderHook(values), claudeSettings: fragment };
    mkdirSync(join(dir, "bin"));
    mkdirSync(join(dir, "checkout"));
    writeFileSync(join(dir, "outputs.json"), JSON.stringify(outputs));
    writeFileSync(
      join(dir, "bin/pulumi"),
      `#!/bin/sh\necho "$@" >"${dir}/called"\ncat "${dir}/outputs.json"\n`,
    );
    chmodSync(join(dir, "bin/pulumi"), 0o755);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const run = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ["--import", "tsx", join(__dirname, "../../scripts/export.ts"), ...args],
      {
        cwd: join(__dirname, "../.."),
        encoding: "utf8",
        env: { ...process.env, INIT_CWD: dir, PATH: `${dir}/bin:${process.env.PATH}` },
      },
    );
  const settings = () => join(dir, "checkout/settings.json");

  it("shows the difference, writes on --yes, and has nothing to do the second time", () => {
    writeFileSync(settings(), '{\n  "model": "opus"\n}\n', { mode: 0o640 });
    const asked = run("checkout");
    expect(asked.stdout).toContain('+            "command": "/bin/sh');
    expect(asked.status).toBe(1);
    expect(readFileSync(settings(), "utf8")).toBe('{\n  "model": "opus"\n}\n');

    expect(run("checkout", "--yes", "--stack", "prod").status).toBe(0);
    expect(readFileSync(join(dir, "called"), "utf8")).toBe("stack output --json --stack prod\n");
    expect(JSON.parse(readFileSync(settings(), "utf8"))).toMatchObject({ model: "opus" });
    expect(statSync(settings()).mode & 0o777).toBe(0o640);
    const hook = join(dir, "checkout/hooks/telemetry-hook.sh");
    expect(readFileSync(hook, "utf8")).toBe(renderHook(values));
    expect(statSync(hook).mode & 0o777).toBe(0o755);

    expect(run("checkout")).toMatchObject({
      status: 0,
      stdout: `${dir}/checkout is up to date.\n`,
    });
  });
  it("is cloned with line ends that a shell can read, wherever Git turns them into CRLF", () => {
    writeFileSync(
      join(dir, "checkout/settings.json"),
      Buffer.from('{"dirs": ["caf\xe9"]}', "latin1"),
    );
    expect(run("checkout", "--yes").status).toBe(0);
    expect(readFileSync(settings(), "latin1")).toContain("caf\xe9");
    const git = (...args: string[]) =>
      spawnSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.test", ...args], {
        cwd: dir,
      });
    git("-C", "checkout", "init", "-q");
    git("-C", "checkout", "add", "-A");
    git("-C", "checkout", "commit", "-qm", "one");
    git("-c", "core.autocrlf=true", "clone", "-q", "checkout", "clone");
    expect(readFileSync(join(dir, "clone/hooks/telemetry-hook.sh"), "utf8")).toBe(
      renderHook(values),
    );
    writeFileSync(join(dir, "checkout/hooks/.gitattributes"), "*.md text");
    expect(run("checkout", "--yes").status).toBe(0);
    expect(readFileSync(join(dir, "checkout/hooks/.gitattributes"), "utf8")).toBe(
      "*.md text\ntelemetry-hook.sh text eol=lf\n",
    );
  });
  it("leaves a settings.json that it cannot read as it is", () => {
    writeFileSync(settings(), "{ // mine\n}");
    expect(run("checkout", "--yes")).toMatchObject({ status: 1, stdout: "" });
    expect(readFileSync(settings(), "utf8")).toBe("{ // mine\n}");
    expect(existsSync(join(dir, "checkout/hooks"))).toBe(false);
  });
  it("says what to do when the stack is not up, the folder is missing or the call is wrong", () => {
    expect(run("elsewhere").stderr).toContain("does not exist: clone claude-config there first");
    writeFileSync(join(dir, "outputs.json"), "{}");
    expect(run("checkout").stderr).toContain("run `pulumi up` first");
    expect(run()).toMatchObject({
      status: 64,
      stderr: expect.stringContaining("npm run export -- DIR"),
    });
  });
});
