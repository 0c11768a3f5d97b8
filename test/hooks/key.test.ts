import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Machine, which } from "./engineerMachine";
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

describe("the gate", () => {
  const exitWait = (engineer: Machine) => engineer.written().CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS;

  it("is not waited for at exit while it is out of reach, and is again when it is back", async () => {
    const engineer = withKeys("key-1");
    engineer.fake("curl", "exit 28");
    await engineer.run();
    await engineer.until(() => exitWait(engineer) === "1");
    engineer.fake("curl", "cat >/dev/null; echo grpc-status: 0");
    await engineer.run();
    await engineer.until(() => exitWait(engineer) === undefined);
  });
  it("is looked at once in ten minutes of use", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    engineer.fake(
      "curl",
      `echo looked >>"${engineer.root}/asked"; cat >/dev/null; echo grpc-status: 0`,
    );
    writeFileSync(`${engineer.root}/asked`, "", { mode: 0o666 });
    for (let start = 0; start < 3; start += 1) await engineer.run();
    await engineer.settled();
    expect(asked(engineer)).toBe(0);
    writeFileSync(`${engineer.state}/gate`, "0\n\n");
    for (let start = 0; start < 3; start += 1) await engineer.run();
    await engineer.settled();
    expect(asked(engineer)).toBe(1);
  });
  it("that refuses SIGNOZ_KEY is told of once, and doctor and refresh say what to do", async () => {
    const engineer = withKeys("key-2");
    engineer.env.SIGNOZ_KEY = "key-1";
    const look = async () => {
      writeFileSync(`${engineer.state}/gate`, "0\n\n");
      const { stdout } = await engineer.run();
      await engineer.settled();
      return stdout;
    };
    await engineer.run();
    await engineer.settled();
    expect(await look()).toContain("SIGNOZ_KEY is refused by the gate");
    expect(await look()).toBe("");
    expect((await engineer.run(["doctor"])).stdout).toMatch(
      /^fail accepted +the gate refuses the key of SIGNOZ_KEY\n.*unset SIGNOZ_KEY && .* refresh/m,
    );
    const refreshed = await engineer.run(["refresh"]);
    expect(refreshed.stdout).toContain("Key: SIGNOZ_KEY of this shell, refused by the gate");
    expect(refreshed.stderr).toContain("take the variable out");
    // Mended, and refused again by the next rotation.
    engineer.fakeGate("key-1");
    await look();
    engineer.fakeGate("key-3");
    await look();
    expect(await look()).toContain("SIGNOZ_KEY is refused by the gate");
    delete engineer.env.SIGNOZ_KEY;
    engineer.fakeGate("key-2");
    await engineer.run(["refresh"]);
    expect(header(engineer)).toBe(holding("key-2"));
  });
  it("that refuses the key gets the new one without a human", async () => {
    const engineer = withKeys("key-2", "key");
    engineer.fake("gcloud", "echo key-1");
    await engineer.run();
    engineer.fake("gcloud", "echo key-2");
    engineer.fakeGate("key-2");
    await engineer.settled();
    const attempt = engineer.read("attempt").split("\n");
    attempt[4] = "0";
    writeFileSync(`${engineer.state}/attempt`, attempt.join("\n"));
    writeFileSync(`${engineer.state}/gate`, "0\n\n");
    await engineer.run();
    await engineer.until(() => header(engineer) === holding("key-2"));
  });
});
