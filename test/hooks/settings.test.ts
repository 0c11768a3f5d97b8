import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ownSettings, shells } from "./engineerMachine";
import { asked, header, holding, machine, withKeys } from "./withKeys";

const complete = {
  CLAUDE_CODE_ENABLE_TELEMETRY: "1",
  CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
  OTEL_EXPORTER_OTLP_ENDPOINT: "https://gate.example.test:4317",
  OTEL_EXPORTER_OTLP_HEADERS: "signoz-ingestion-key=key-1",
  OTEL_RESOURCE_ATTRIBUTES: "engineer=alice,team=engineering,org=palindrom",
};

/** What settings.json holds beside those, so that nothing of the shell can take their place. */
const pinned = {
  OTEL_EXPORTER_OTLP_TIMEOUT: "10000",
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta",
  OTEL_SERVICE_NAME: "",
  OTEL_TRACES_SAMPLER: "",
  OTEL_METRIC_EXPORT_INTERVAL: "60000",
  OTEL_LOGS_EXPORT_INTERVAL: "5000",
  OTEL_TRACES_EXPORT_INTERVAL: "5000",
  ...Object.fromEntries(
    ["METRICS", "LOGS", "TRACES"].flatMap((signal) => [
      [`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`, "10000"],
      [`OTEL_EXPORTER_OTLP_${signal}_COMPRESSION`, "none"],
      ...["ENDPOINT", "PROTOCOL", "HEADERS", "CERTIFICATE"].map((what) => [
        `OTEL_EXPORTER_OTLP_${signal}_${what}`,
        "",
      ]),
    ]),
  ),
};

describe("settings.json", () => {
  it("follows the hook when the company's gate moves", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    engineer.install({ endpointUrl: "https://new.example.test:4317", caCertificate: "" });
    await engineer.run();
    expect(engineer.written()).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://new.example.test:4317",
    });
    expect(engineer.written()).not.toHaveProperty("OTEL_EXPORTER_OTLP_CERTIFICATE");
  });
  it("gets its variables back when another tool took them out", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    writeFileSync(engineer.settings, '{"model": "haiku"}');
    await engineer.run();
    expect(header(engineer)).toBe(holding("key-1"));
    expect(readFileSync(engineer.settings, "utf8")).toContain("haiku");
  });
  it("that sends telemetry elsewhere is left alone, and so is the session", async () => {
    const engineer = withKeys("key-1");
    const before = '{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}}';
    writeFileSync(engineer.settings, before);
    expect((await engineer.run()).stdout).toContain(
      `left alone: ${engineer.settings} sends telemetry elsewhere`,
    );
    expect(readFileSync(engineer.settings, "utf8")).toBe(before);
    expect(existsSync(engineer.envFile)).toBe(false);
  });
  it("keeps what the engineer switched off", async () => {
    const engineer = withKeys("key-1");
    writeFileSync(engineer.settings, '{"env": {"OTEL_LOGS_EXPORTER": "none"}}');
    await engineer.run();
    expect(engineer.written().OTEL_LOGS_EXPORTER).toBe("none");
  });
  it("is still known as the hook's after its state was lost", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    rmSync(engineer.state, { recursive: true });
    engineer.fake("gcloud", "echo key-1-again");
    await engineer.run();
    expect(header(engineer)).toBe(holding("key-1-again"));
  });
  it.each(["home/.claude", "./home/.claude"])(
    "is kept in step where CLAUDE_CONFIG_DIR is %s",
    async (folder) => {
      const engineer = withKeys("key-1");
      await engineer.run([], { env: { CLAUDE_CONFIG_DIR: folder } });
      expect(header(engineer)).toBe(holding("key-1"));
      expect(engineer.written().OTEL_EXPORTER_OTLP_CERTIFICATE).toBe(`${engineer.state}/ca.pem`);
    },
  );
  it("survives fifty session starts at once", async () => {
    const engineer = withKeys("key-1");
    writeFileSync(engineer.settings, ownSettings);
    const starts = await Promise.all(Array.from({ length: 50 }, () => engineer.run()));
    for (const start of starts) expect(start).toMatchObject({ code: 0, stderr: "" });
    await engineer.run();
    expect(header(engineer)).toBe(holding("key-1"));
    expect(JSON.parse(readFileSync(engineer.settings, "utf8"))).toMatchObject({ model: "opus" });
    expect(asked(engineer)).toBe(1);
  });
});

describe("the session", () => {
  it("gets who it speaks for, and neither key nor address, when programs are not to be instrumented", {
    tags: "attack/engineer",
  }, async () => {
    const engineer = withKeys("key-1", "key-1", { hook: { instrumentPrograms: false } });
    await engineer.run();
    expect(engineer.sourced(engineer.envFile)).toEqual({
      OTEL_RESOURCE_ATTRIBUTES: complete.OTEL_RESOURCE_ATTRIBUTES,
    });
    expect(header(engineer)).toBe(holding("key-1"));
  });
  it("gets each line once, however often it is resumed", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    const once = readFileSync(engineer.envFile, "utf8");
    await engineer.run();
    expect(readFileSync(engineer.envFile, "utf8")).toBe(once);
  });
});

describe("a command that the engineer is told", () => {
  it("runs as it stands, with blanks and quotes in the home and a hook that lost its executable bit", async () => {
    const engineer = machine({ hook: { onePasswordReference: "" } });
    engineer.moveHome("it's a home");
    chmodSync(engineer.hook, 0o644);
    const { systemMessage } = JSON.parse((await engineer.run()).stdout);
    await engineer.settled();
    const told = /To see what to do: (.* doctor)$/.exec(systemMessage)?.[1] ?? "";
    const doctor = spawnSync("sh", ["-c", told], { env: engineer.env, encoding: "utf8" });
    expect(doctor.stdout).toMatch(/^fail key /m);
    const fix = /^fail key .*\n +→ (.* refresh)$/m.exec(doctor.stdout)?.[1] ?? "";
    const refresh = spawnSync("sh", ["-c", fix], { env: engineer.env, encoding: "utf8" });
    expect(refresh.stderr).toMatch(/^No key: /);
  });
});

describe("a checkout", () => {
  it("of claude-config in ~/.claude stays clean and can still report", async () => {
    const engineer = withKeys("key-1");
    writeFileSync(engineer.settings, ownSettings);
    const git = (...args: string[]) =>
      execFileSync(
        "git",
        ["-c", "safe.directory=*", "-c", "user.name=t", "-c", "user.email=t@example.test", ...args],
        {
          cwd: `${engineer.home}/.claude`,
          encoding: "utf8",
        },
      );
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "claude-config");
    const start = await engineer.run();
    expect(start.stdout).toContain(
      `profile once: [ ! -r '${engineer.state}/env' ] || . '${engineer.state}/env'`,
    );
    expect(git("status", "--porcelain")).toBe("");
    expect(engineer.sourced(`${engineer.state}/env`)).toMatchObject({
      OTEL_EXPORTER_OTLP_HEADERS: holding("key-1"),
    });
  });
});

describe.each(shells)("under $name", ({ argv }) => {
  it.skipIf(!argv)("sets settings.json, the session and nothing else", async () => {
    const engineer = machine();
    engineer.fake("gcloud", "echo key-1");
    const before = '{ "model": "opus", "env": { "MY": "1" } }\n';
    writeFileSync(engineer.settings, before);

    const first = await engineer.run([], { shell: argv });
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(first.stdout)).toEqual({
      systemMessage: expect.stringContaining("from the next session on"),
    });
    const expected = { ...complete, OTEL_EXPORTER_OTLP_CERTIFICATE: `${engineer.state}/ca.pem` };
    expect(engineer.written()).toEqual({ MY: "1", ...expected, ...pinned });
    expect(engineer.sourced(engineer.envFile)).toEqual(expected);
    expect(engineer.sourced(`${engineer.state}/env`)).toEqual(expected);
    expect(statSync(`${engineer.state}/key`).mode & 0o777).toBe(0o600);

    const second = await engineer.run([], { shell: argv });
    expect(second).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});
