import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { Machine, ownSettings, shells, which } from "./engineerMachine";

const machines: Machine[] = [];
function machine(options?: ConstructorParameters<typeof Machine>[0]): Machine {
  const made = new Machine(options);
  machines.push(made);
  return made;
}
afterEach(() => {
  for (const made of machines.splice(0)) made.remove();
});

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
      ...["ENDPOINT", "PROTOCOL", "HEADERS", "CERTIFICATE"].map((what) => [
        `OTEL_EXPORTER_OTLP_${signal}_${what}`,
        "",
      ]),
    ]),
  ),
};

/** A machine where the gate accepts `accepted` only, and Secret Manager answers with `stored`. */
function withKeys(
  stored: string,
  accepted = stored,
  options?: ConstructorParameters<typeof Machine>[0],
) {
  const engineer = machine(options);
  engineer.fake("gcloud", `echo asked >>"${engineer.root}/asked"; echo ${stored}`);
  engineer.fake(
    "curl",
    `case $(cat) in *" ${accepted}"*) echo grpc-status: 0 ;; *) echo grpc-status: 16 ;; esac`,
  );
  writeFileSync(`${engineer.root}/asked`, "", { mode: 0o666 });
  return engineer;
}

function asked(engineer: Machine): number {
  return readFileSync(`${engineer.root}/asked`, "utf8").split("\n").length - 1;
}

const header = (engineer: Machine) => engineer.written().OTEL_EXPORTER_OTLP_HEADERS;
const holding = (key: string) => `signoz-ingestion-key=${key}`;

/** Makes the last attempt look older by changing its first line: when to ask again. */
function ageAttempt(engineer: Machine): void {
  const [, ...rest] = engineer.read("attempt").split("\n");
  writeFileSync(`${engineer.state}/attempt`, ["0", ...rest].join("\n"));
}

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
  it("costs a hanging source one wait of 3 s, and none after", async () => {
    const engineer = withKeys("key-1");
    const asked = `${engineer.root}/asked`;
    engineer.fake("op", `echo "$START" >>"${asked}"; sleep 60 & sleep 60`);
    const cold = await engineer.run([], { env: { START: "first" } });
    const warm = await engineer.run([], { env: { START: "second" } });
    expect(cold.seconds).toBeGreaterThan(2.5);
    expect(cold.stdout).toContain("1Password: no answer in time");
    // What the first start left to the background asks again in its name.
    expect(readFileSync(asked, "utf8")).toMatch(/^(first\n)+$/);
    expect(warm.stdout).toBe("");
  });
  it("leaves no process of a hanging source behind", async () => {
    const engineer = withKeys("key-1", "key-1", { hook: { onePasswordReference: "" } });
    const grandchild = `${engineer.root}/grandchild`;
    engineer.fake("sleeper", "sleep 60");
    engineer.fake("gcloud", `"${engineer.bin}/sleeper" & echo $! >>"${grandchild}"; wait`);
    await engineer.run();
    const [first = ""] = readFileSync(grandchild, "utf8").split("\n");
    // A zombie waits for its new parent and holds nothing.
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", first], { encoding: "utf8" });
    expect(stdout).not.toMatch(/^[^Z\s]/);
  });
  it("is not waited for again after a start that was killed while it waited", async () => {
    const engineer = withKeys("key-1");
    engineer.fake("op", `echo once >>"${engineer.root}/begun"; sleep 60`);
    const killed = engineer.start();
    await engineer.until(() => existsSync(`${engineer.root}/begun`));
    killed.kill("SIGKILL");
    process.kill(-(killed.pid as number), "SIGKILL");
    await engineer.run();
    expect(readFileSync(`${engineer.root}/begun`, "utf8")).toBe("once\n");
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
  it("that refuses the key gets the new one without a human", async () => {
    const engineer = withKeys("key-2", "key");
    engineer.fake("gcloud", "echo key-1");
    await engineer.run();
    engineer.fake("gcloud", "echo key-2");
    engineer.fake(
      "curl",
      "case $(cat) in *key-2*) echo grpc-status: 0 ;; *) echo grpc-status: 16 ;; esac",
    );
    await engineer.settled();
    const attempt = engineer.read("attempt").split("\n");
    attempt[4] = "0";
    writeFileSync(`${engineer.state}/attempt`, attempt.join("\n"));
    writeFileSync(`${engineer.state}/gate`, "0\n\n");
    await engineer.run();
    await engineer.until(() => header(engineer) === holding("key-2"));
  });
});

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

describe("uninstall", () => {
  it("takes out the hook's variables and keeps later edits", async () => {
    const engineer = withKeys("key-1");
    writeFileSync(engineer.settings, ownSettings);
    await engineer.run();
    const edited = JSON.parse(readFileSync(engineer.settings, "utf8"));
    edited.model = "haiku";
    edited.env.OTEL_RESOURCE_ATTRIBUTES = `project=x,${edited.env.OTEL_RESOURCE_ATTRIBUTES}`;
    writeFileSync(engineer.settings, JSON.stringify(edited));
    await engineer.run();
    expect((await engineer.run(["uninstall"])).code).toBe(0);
    expect(JSON.parse(readFileSync(engineer.settings, "utf8"))).toEqual({
      ...JSON.parse(ownSettings),
      model: "haiku",
      env: { MY_VARIABLE: "1", OTEL_RESOURCE_ATTRIBUTES: "project=x" },
    });
  });
  it("removes a settings.json that there was not before", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.run(["uninstall"]);
    expect(existsSync(engineer.settings)).toBe(false);
  });
  it("is not undone by a refresh that still ran in the background", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    ageAttempt(engineer);
    engineer.fake(
      "gcloud",
      `touch "${engineer.root}/begun"; sleep 1; echo key-2; touch "${engineer.root}/over"`,
    );
    await engineer.run();
    await engineer.until(() => existsSync(`${engineer.root}/begun`));
    await engineer.run(["uninstall"]);
    await engineer.until(() => existsSync(`${engineer.root}/over`));
    await engineer.settled();
    expect(header(engineer)).toBeUndefined();
  });
  it("keeps no key that the gate takes after it", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    ageAttempt(engineer);
    engineer.fake("gcloud", "echo key-2");
    engineer.fake(
      "curl",
      `touch "${engineer.root}/begun"; sleep 1; echo grpc-status: 0; touch "${engineer.root}/over"`,
    );
    await engineer.run();
    await engineer.until(() => existsSync(`${engineer.root}/begun`));
    await engineer.run(["uninstall"]);
    await engineer.until(() => existsSync(`${engineer.root}/over`));
    await engineer.settled();
    expect(readdirSync(engineer.state)).not.toContain("key");
  });
  it("stays off until refresh, and leaves no key behind", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    await engineer.run(["uninstall"]);
    expect(readdirSync(engineer.state).sort()).toEqual([".gitignore", "off"]);
    expect((await engineer.run()).stdout).toBe("");
    expect(header(engineer)).toBeUndefined();
    expect((await engineer.run(["refresh"])).stdout).toContain(
      "Key: from Secret Manager, accepted by the gate",
    );
    expect(header(engineer)).toBe(holding("key-1"));
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
