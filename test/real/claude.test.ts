import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { textsOf } from "../../simulator/texts";
import { Engineer, type EngineerOptions } from "./engineer";
import { type Exported, type Gate, startGate } from "./gate";
import { type Link, silentLink } from "./link";
import { type MessagesApi, startMessagesApi } from "./messagesApi";
import { claude } from "./parts/claude";

let api: MessagesApi;
let gate: Gate;
let silent: Link;
beforeAll(async () => {
  await claude();
  api = await startMessagesApi();
  silent = await silentLink();
  gate = await startGate({ keys: "key-0001" });
});
afterAll(async () => {
  await gate?.stop();
  api?.close();
  silent?.close();
});

const engineers: Engineer[] = [];
afterEach(() => {
  for (const made of engineers.splice(0)) made.remove();
  gate.setKeys("key-0001");
});

/** An engineer who can fetch `key` from Secret Manager. */
function engineer(options: EngineerOptions = {}, key = "key-0001"): Engineer {
  const hook = {
    endpointUrl: `https://localhost:${gate.port}`,
    caCertificate: gate.certificate.ca,
  };
  const made = new Engineer(api.url, { ...options, hook: { ...hook, ...options.hook } });
  made.fake("gcloud", `echo ${key}`);
  engineers.push(made);
  return made;
}

/** What passed the gate since `before`: signals, and who it says it is from. */
async function arrived(
  before: number,
): Promise<{ signals: string[]; from: string[]; texts: string[] }> {
  await sleep(300); // the file exporter flushes every 20 ms
  const requests = gate.received().slice(before);
  const attributes = requests
    .flatMap((request) => Object.values(request).flat())
    .map((entry) => Object.fromEntries(entry.resource.attributes.map(pair)))
    .map(({ engineer, team, org }) => `${engineer}/${team}/${org}`);
  return {
    signals: [...new Set(requests.flatMap((request) => Object.keys(request)))].sort(),
    from: [...new Set(attributes)],
    texts: textsOf(requests),
  };
}

function pair({ key, value }: { key: string; value: { stringValue?: string } }): [string, unknown] {
  return [key, value.stringValue];
}

const count = (): number => (gate.received() satisfies Exported[]).length;
const all = ["resourceLogs", "resourceMetrics", "resourceSpans"];
const unharmed = { code: 0, stdout: "done\n", stderr: "" };

function say(line: string): void {
  console.log(line);
}

describe("four sessions of an engineer who got claude-config", () => {
  it("1 configures, 2 reports, 3 recovers from a rotation, 4 is silent after uninstall", async () => {
    const alice = engineer();
    const original = alice.settingsText();

    let before = count();
    expect(await alice.session("run: env | grep OTEL")).toMatchObject(unharmed);
    expect((await arrived(before)).signals).toEqual([]);
    expect(api.toolResults.at(-1)).toContain("OTEL_RESOURCE_ATTRIBUTES=engineer=alice");
    expect(alice.written().OTEL_EXPORTER_OTLP_HEADERS).toBe("signoz-ingestion-key=key-0001");
    say(`session 1: ${(await arrived(before)).signals.length} signals; settings.json written`);

    before = count();
    expect(await alice.session("run: echo the-secret-words")).toMatchObject(unharmed);
    const second = await arrived(before);
    expect(second).toMatchObject({ signals: all, from: ["alice/engineering/palindrom"] });
    const secret = /the-secret-words|key-0001|sk-ant/;
    expect(second.texts.filter((text) => secret.test(text))).toEqual([]);
    say(`session 2: ${second.signals.join(", ")} from ${second.from}`);

    gate.setKeys("key-0002");
    alice.fake("gcloud", "echo key-0002");
    writeFileSync(`${alice.state}/attempt`, alice.read("attempt").replace(/^\d+/, "0"));
    before = count();
    expect(await alice.session("hello")).toMatchObject(unharmed);
    const during = await arrived(before);
    await alice.until(
      () => alice.written().OTEL_EXPORTER_OTLP_HEADERS === "signoz-ingestion-key=key-0002",
    );
    before = count();
    expect(await alice.session("hello")).toMatchObject(unharmed);
    const third = await arrived(before);
    expect(third.signals).toEqual(all);
    say(
      `session 3: key rotated, ${during.signals.length} signals; next session: ${third.signals.join(", ")}`,
    );

    await alice.run(["uninstall"]);
    expect(alice.settingsText()).toBe(original);
    before = count();
    expect(await alice.session("hello")).toMatchObject(unharmed);
    expect((await arrived(before)).signals).toEqual([]);
    expect(alice.settingsText()).toBe(original);
    say("session 4: uninstalled, 0 signals; settings.json is byte for byte what it was");
  });

  it("a newly delivered hook of another generation needs no refresh: the very next session reports", async () => {
    const alice = engineer();
    await alice.session("hello");
    gate.setKeys("key-0002");
    alice.fake("gcloud", "echo key-0002");
    alice.install({ ...alice.hookValues, keyGeneration: "2026-12" });
    await alice.session("hello");
    const before = count();
    await alice.session("hello");
    expect((await arrived(before)).signals).toEqual(all);
  });
});

describe("a broken link costs the session nothing but telemetry", () => {
  it.each([
    ["the key is wrong", {}, "wrong-key"],
    ["the gate is down", { endpointUrl: "https://localhost:1" }, "key-0001"],
    ["the gate is silent", { endpointUrl: "silent" }, "key-0001"],
    ["the name does not resolve", { endpointUrl: "https://gate.invalid:4317" }, "key-0001"],
    ["the certificate is for another name", { endpointUrl: "other name" }, "key-0001"],
  ])("when %s", async (_what, hook: { endpointUrl?: string }, key) => {
    if (hook.endpointUrl === "silent") hook = { endpointUrl: `https://localhost:${silent.port}` };
    if (hook.endpointUrl === "other name")
      hook = { endpointUrl: `https://ip6-localhost:${gate.port}` };
    const alice = engineer({ hook }, key);
    const before = count();
    expect(await alice.session("hello")).toMatchObject(unharmed);
    const session = await alice.session("hello");
    expect(session).toMatchObject(unharmed);
    expect(session.seconds).toBeLessThan(10);
    expect((await arrived(before)).signals).toEqual([]);
  });
});

describe("a checkout of claude-config in ~/.claude", () => {
  it("reports by the profile line, and the tracked settings.json stays untouched", async () => {
    const alice = engineer();
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.test", ...args], {
        cwd: `${alice.home}/.claude`,
        encoding: "utf8",
      });
    git("init", "-q");
    git("add", "settings.json", "hooks");
    git("commit", "-qm", "claude-config");
    await alice.session("hello");
    const before = count();
    expect(await alice.session("hello", { profile: `${alice.state}/env` })).toMatchObject(unharmed);
    expect(await arrived(before)).toMatchObject({
      signals: all,
      from: ["alice/engineering/palindrom"],
    });
    expect(git("status", "--porcelain", "--untracked-files=no")).toBe("");
    expect(git("add", "-An", ".")).not.toContain("telemetry-hook/");
  });
});

describe("layers above the engineer's settings", () => {
  it.skipIf(process.getuid?.() !== 0)(
    "managed settings win, and doctor says so (needs root)",
    async () => {
      const alice = engineer();
      await alice.session("hello");
      const etc = `${alice.root}/etc`;
      cpSync("/etc", etc, { recursive: true, verbatimSymlinks: true });
      const managed = { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "https://localhost:1" } };
      alice.save(`${etc}/claude-code/managed-settings.json`, JSON.stringify(managed));
      const before = count();
      expect(await alice.session("hello", { etc })).toMatchObject(unharmed);
      expect((await arrived(before)).signals).toEqual([]);
      const doctor = await alice.inEtc(etc, ["doctor"]);
      expect(doctor.stdout).toMatch(
        /^fail reporting +elsewhere: \/etc\/claude-code\/managed-settings.json .*OTEL_EXPORTER_OTLP_ENDPOINT/m,
      );
      expect(doctor.code).toBe(1);
    },
  );

  it("a project's attributes replace the engineer's, and doctor says so", async () => {
    const alice = engineer();
    await alice.session("hello");
    alice.save(
      `${alice.project}/.claude/settings.json`,
      JSON.stringify({ env: { OTEL_RESOURCE_ATTRIBUTES: "project=x" } }),
    );
    const before = count();
    await alice.session("hello");
    expect((await arrived(before)).from).toEqual(["undefined/undefined/undefined"]);
    const doctor = await alice.run(["doctor"], { cwd: alice.project });
    expect(doctor.stdout).toMatch(/^warn spoilt .*"project=x".* replaces engineer, team and org/m);
  });
});

describe("resume, compact and fork", () => {
  it("run the hook where a session begins, and not when one goes on", async () => {
    const alice = engineer();
    renameSync(alice.hook, `${alice.hook}.real`);
    alice.save(
      alice.hook,
      `tee "${alice.root}/stdin" | jq -r .source >>"${alice.root}/sources"; exec sh "${alice.hook}.real"\n`,
    );
    await alice.session("hello");
    await alice.session("run: env | grep -c OTEL_EXPORTER_OTLP_HEADERS", {
      args: ["--continue", "--allowedTools", "Bash"],
    });
    expect(api.toolResults.at(-1)).toContain("1");
    await alice.session("/compact", { args: ["--continue"] });
    await alice.session("hello", { args: ["--continue", "--fork-session"] });
    const sources = readFileSync(`${alice.root}/sources`, "utf8").trim().split("\n");
    expect(sources).toEqual(["startup", "resume", "resume", "fork"]);
  });
});

describe("doctor", () => {
  const broken: [string, (alice: Engineer) => void, RegExp][] = [
    ["the key is refused", () => gate.setKeys("key-0009"), /^fail accepted/m],
    [
      "the gate is down",
      (alice) => alice.install({ ...alice.hookValues, endpointUrl: "https://localhost:1" }),
      /^fail TCP/m,
    ],
    [
      "the certificate authority is another one",
      (alice) => alice.install({ ...alice.hookValues, caCertificate: otherAuthority }),
      /^fail TLS/m,
    ],
    [
      "the variables were taken out",
      (alice) => alice.save(alice.settings, "{}"),
      /^fail variables/m,
    ],
    [
      "the hook is registered in the flat shape",
      (alice) =>
        alice.save(
          alice.settings,
          JSON.stringify({
            hooks: { SessionStart: [{ type: "command", command: `sh ${alice.hook}` }] },
          }),
        ),
      /^fail hook .*without the inner hooks array/m,
    ],
    [
      "telemetry is switched off",
      (alice) =>
        alice.save(
          alice.settings,
          JSON.stringify({
            ...JSON.parse(alice.settingsText()),
            env: { ...alice.written(), CLAUDE_CODE_ENABLE_TELEMETRY: "0" },
          }),
        ),
      /^fail reporting .*CLAUDE_CODE_ENABLE_TELEMETRY is "0"/m,
    ],
  ];
  const otherAuthority = execFileSync(
    "sh",
    [
      "-c",
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=other -days 2 2>/dev/null",
    ],
    { encoding: "utf8" },
  );

  it("finds nothing on a healthy machine, and Claude Code agrees (--live)", async () => {
    const alice = engineer();
    symlinkSync(await claude(), `${alice.bin}/claude`);
    await alice.session("hello");
    const doctor = await alice.run(["doctor", "--live"]);
    say(doctor.stdout);
    expect(doctor.stdout).not.toMatch(/^fail/m);
    expect(doctor.stdout).toMatch(/^pass live .*SUCCESS/m);
    expect(doctor).toMatchObject({ code: 0, stderr: "" });
    const json = await alice.run(["doctor", "--json"]);
    expect(JSON.parse(json.stdout)).toContainEqual(
      expect.objectContaining({ check: "accepted", status: "pass" }),
    );
    say((await alice.run(["status"])).stdout);
  });

  it.each(broken)("says what to do when %s", async (_what, breakIt, finding) => {
    const alice = engineer();
    await alice.session("hello");
    breakIt(alice);
    const doctor = await alice.run(["doctor"]);
    say(doctor.stdout);
    expect(doctor.stdout).toMatch(finding);
    expect(doctor.stdout).toMatch(/^ +→ /m);
    expect(doctor.stdout).not.toContain("key-0001");
    expect(doctor.code).toBe(1);
  });
});
