import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { which } from "./engineerMachine";
import { ageAttempt, asked, header, holding, withKeys } from "./withKeys";

describe("the key", () => {
  it("comes from SIGNOZ_KEY before anything else", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.run([], { env: { SIGNOZ_KEY: "mine" } });
    expect(header(engineer)).toBe(holding("mine"));
  });
  it("comes from 1Password before Secret Manager", async () => {
    const engineer = withKeys("key-1", "key");
    engineer.fake("op", "echo key-of-op");
    await engineer.run();
    expect(header(engineer)).toBe(holding("key-of-op"));
    expect(asked(engineer)).toBe(0);
  });
  it("is asked for once, then taken from the copy", async () => {
    const engineer = withKeys("key-1");
    for (let start = 0; start < 3; start += 1) await engineer.run();
    expect(asked(engineer)).toBe(1);
  });
  it("is not taken from a source whose key the gate refuses", async () => {
    const engineer = withKeys("new-key");
    engineer.fake("op", "echo old-key");
    await engineer.run();
    expect(header(engineer)).toBe(holding("new-key"));
  });
  it("is fetched at once by a hook of another generation", async () => {
    const engineer = withKeys("key-1", "key");
    await engineer.run();
    engineer.fake("gcloud", "echo key-2");
    engineer.install({ keyGeneration: "2026-12" });
    await engineer.run();
    expect(header(engineer)).toBe(holding("key-2"));
  });
  it("is renewed in the background when a day has passed", async () => {
    const engineer = withKeys("key-1", "key");
    await engineer.run();
    engineer.fake("gcloud", "echo key-2");
    ageAttempt(engineer);
    const start = await engineer.run();
    expect(start).toMatchObject({ code: 0, stdout: "" });
    await engineer.until(() => header(engineer) === holding("key-2"));
    await engineer.until(() => existsSync(`${engineer.state}/notice`));
    expect((await engineer.run()).stdout).toContain("from the next session on");
  });
  it("is renewed, and the gate looked at, after a time with a clock years ahead", async () => {
    const engineer = withKeys("key-1", "key");
    engineer.fake("date", "case $1 in +%s) echo 4102444800 ;; *) echo then ;; esac");
    await engineer.run();
    await engineer.settled();
    engineer.fake("date", `exec ${which("date")} "$@"`);
    engineer.fake("gcloud", "echo key-2");
    await engineer.run();
    await engineer.until(() => header(engineer) === holding("key-2"));
    await engineer.until(() => Number.parseInt(engineer.read("gate"), 10) < 4102444800);
  });
  it("comes from gcloud although the repository names a Python that gcloud cannot use", async () => {
    const engineer = withKeys("key-1");
    // What pyenv does to gcloud where CLOUDSDK_PYTHON is python3.
    const failure = "ERROR: gcloud failed to load. You are running gcloud with Python 3.6";
    engineer.fake(
      "gcloud",
      `[ ! -e .python-version ] || { echo "${failure}" >&2; exit 1; }; echo key-1`,
    );
    writeFileSync(`${engineer.root}/.python-version`, "3.6.15\n");
    await engineer.run([], { cwd: engineer.root });
    expect(header(engineer)).toBe(holding("key-1"));
  });
  it("never appears in an argument list", { tags: "attack/engineer" }, async () => {
    const engineer = withKeys("key-1");
    for (const tool of ["curl", "jq"]) {
      const real = which(tool) ?? tool;
      engineer.fake(tool, `printf '%s\\n' "$@" >>"${engineer.root}/arguments"; exec ${real} "$@"`);
    }
    await engineer.run();
    expect(readFileSync(`${engineer.root}/arguments`, "utf8")).not.toContain("key-1");
  });
  it.each([
    ["a session start", []],
    ["doctor", ["doctor"]],
  ])("nor does what the shell holds, in %s", { tags: "attack/engineer" }, async (_what, args) => {
    const engineer = withKeys("key-1");
    const jq = which("jq") ?? "jq";
    engineer.fake("jq", `printf '%s\\n' "$@" >>"${engineer.root}/arguments"; exec ${jq} "$@"`);
    // Whose profile holds the variables; as Claude Code starts the hook, whose own environment is the engineer's.
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: holding("key-1"),
      https_proxy: "http://alice:pass-1@proxy.example.test:3128",
      // Together more than Linux takes as one argument.
      ...Object.fromEntries(["A", "B"].map((name) => [`LONG_${name}`, "x".repeat(100_000)])),
    };
    const script = 'CLAUDE_PID=$$ sh "$0" "$@"; exit $?';
    const shell = [`${engineer.bin}/sh`, "-c", script];
    const ran = await engineer.run(args, { shell, env });
    expect(ran.stdout).not.toContain("cannot be read");
    const seen = readFileSync(`${engineer.root}/arguments`, "utf8").split("\n");
    expect(seen).toContain("--raw-output");
    expect(seen.filter((line) => /key-1|pass-1/.test(line))).toEqual([]);
  });
});
