import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { finished, Machine } from "../../hooks/engineerMachine";

const machines: Machine[] = [];
function machine(hook: ConstructorParameters<typeof Machine>[0] = {}): Machine {
  const made = new Machine(hook);
  made.fake("gcloud", "echo key-1");
  made.fake(
    "curl",
    "case $(cat) in *key-1*) echo grpc-status: 0 ;; *) echo grpc-status: 16 ;; esac",
  );
  machines.push(made);
  return made;
}
afterEach(() => {
  for (const made of machines.splice(0)) made.remove();
});

const holds = (made: Machine) => made.written().OTEL_EXPORTER_OTLP_HEADERS !== undefined;
const settings = (env: object) => `${JSON.stringify({ env })}\n`;

describe("an engineer who has opted out", () => {
  it.each([
    ["0", { CLAUDE_CODE_ENABLE_TELEMETRY: "0" }],
    ["the number 0", { CLAUDE_CODE_ENABLE_TELEMETRY: 0 }],
    ["false", { CLAUDE_CODE_ENABLE_TELEMETRY: "false" }],
    ["nothing", { CLAUDE_CODE_ENABLE_TELEMETRY: "" }],
    [
      "no exporter",
      { OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none", OTEL_TRACES_EXPORTER: "none" },
    ],
  ])("by %s hears nothing, gets nothing, and status says why", async (_what, env) => {
    const alice = machine();
    writeFileSync(alice.settings, settings(env));
    expect((await alice.run()).stdout).toBe("");
    expect((await alice.run()).stdout).toBe("");
    expect(readFileSync(alice.settings, "utf8")).toBe(settings(env));
    expect(existsSync(alice.envFile)).toBe(false);
    expect((await alice.run(["status"])).stdout).toMatch(
      /^Reports to +off: .*\.claude\/settings\.json/m,
    );
    expect((await alice.run(["doctor"])).code).toBe(1);
  });
  it("later loses the hook's variables at the next start, and gets them back when they opt in", async () => {
    const alice = machine();
    await alice.run();
    const opted = JSON.parse(readFileSync(alice.settings, "utf8"));
    opted.env.CLAUDE_CODE_ENABLE_TELEMETRY = "0";
    writeFileSync(alice.settings, JSON.stringify(opted));
    expect((await alice.run()).stdout).toBe("");
    expect(alice.written()).toEqual({ CLAUDE_CODE_ENABLE_TELEMETRY: "0" });
    writeFileSync(alice.settings, "{}");
    await alice.run();
    expect(holds(alice)).toBe(true);
  });
});

describe("what a repository's settings set", () => {
  const repository = (made: Machine, text: string, file = "settings.json") => {
    const project = join(made.root, "project");
    mkdirSync(join(project, ".claude"), { recursive: true });
    writeFileSync(join(project, ".claude", file), text);
    return { cwd: project, project };
  };
  const attacks: [string, string, Record<string, string>][] = [
    ["a name", '{"env": {"PALINDROM_ENGINEER": "victim"}}', { PALINDROM_ENGINEER: "victim" }],
    ["a team", '{"env": {"PALINDROM_TEAM": "other"}}', { PALINDROM_TEAM: "other" }],
    ["USER", '{"env": {"USER": "victim"}}', { USER: "victim" }],
    ["a key", '{"env": {"SIGNOZ_KEY": "attackers-key"}}', { SIGNOZ_KEY: "attackers-key" }],
    [
      "a name behind escapes",
      '{"env": {"PALINDROM\\u005fENGINEER": "victim"}}',
      { PALINDROM_ENGINEER: "victim" },
    ],
    [
      "env behind escapes",
      '{"\\u0065nv": {"SIGNOZ_KEY": "attackers-key"}}',
      { SIGNOZ_KEY: "attackers-key" },
    ],
    [
      "a key with line ends between",
      '{"env"\n:\n{"SIGNOZ_KEY"\n:\n"attackers-key"}}',
      { SIGNOZ_KEY: "attackers-key" },
    ],
    ["programs", '{"env": {"PATH": "EVIL:PATH"}}', { PATH: "EVIL:PATH" }],
    [
      "curl's and git's settings",
      '{"env": {"CURL_HOME": "/evil", "GIT_CONFIG_COUNT": "1"}}',
      { CURL_HOME: "/evil", GIT_CONFIG_COUNT: "1" },
    ],
    [
      "gcloud's account",
      '{"env": {"CLOUDSDK_CORE_ACCOUNT": "eve@evil.test"}}',
      { CLOUDSDK_CORE_ACCOUNT: "eve@evil.test" },
    ],
  ];
  describe.each([[[]], [["jq"]]])("without %j", (without) => {
    it.each(attacks)(
      "%s changes nothing for good",
      { tags: "attack/engineer" },
      async (_what, text, env) => {
        const alice = machine({ without });
        await alice.run();
        const kept = {
          settings: existsSync(alice.settings) && readFileSync(alice.settings, "utf8"),
          profile: alice.read("env"),
          key: alice.read("key"),
        };
        const evil = join(alice.root, "evil");
        mkdirSync(evil);
        for (const tool of ["jq", "date", "curl", "gcloud"])
          writeFileSync(
            join(evil, tool),
            `#!/bin/sh\necho ${tool} >>"${alice.root}/ran"\nexit 1\n`,
            { mode: 0o755 },
          );
        const fill = (value: string) =>
          value.replace("EVIL", evil).replace(":PATH", `:${alice.bin}`);
        const where = repository(alice, fill(text), "settings.local.json");
        const hooked = Object.fromEntries(
          Object.entries(env).map(([name, value]) => [name, fill(value)]),
        );
        await alice.run([], {
          cwd: where.cwd,
          env: { ...hooked, CLAUDE_PROJECT_DIR: where.project },
        });
        await alice.settled();
        expect({
          settings: existsSync(alice.settings) && readFileSync(alice.settings, "utf8"),
          profile: alice.read("env"),
          key: alice.read("key"),
        }).toEqual(kept);
        expect(existsSync(join(alice.root, "ran"))).toBe(false);
      },
    );
  });
  it("leaves a variable of the engineer's own settings in force", async () => {
    const alice = machine();
    writeFileSync(alice.settings, settings({ PALINDROM_ENGINEER: "dana" }));
    const { cwd, project } = repository(alice, '{"env": {"PALINDROM_ENGINEER": "victim"}}');
    await alice.run([], {
      cwd,
      env: { PALINDROM_ENGINEER: "victim", CLAUDE_PROJECT_DIR: project },
    });
    expect(alice.written().OTEL_RESOURCE_ATTRIBUTES).toContain("engineer=dana");
  });
});

describe("one folder on several machines", () => {
  /** The same folder under another path, as a bind mount into a container shows it. */
  async function inside(alice: Machine, env: Record<string, string> = {}) {
    const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const home = join(alice.root, "inside");
    if (!existsSync(home)) {
      mkdirSync(home);
      execFileSync("ln", ["-s", join(alice.home, ".claude"), join(home, ".claude")]);
    }
    return finished(
      spawn(join(alice.bin, "sh"), [join(home, ".claude/hooks/telemetry-hook.sh")], {
        env: { ...alice.env, HOME: home, ...env },
        cwd: alice.root,
        ...user,
      }),
    );
  }
  it.each([
    ["another path", {}, false],
    ["another path and another user name", { USER: "dev" }, true],
    ["another path and another team", { PALINDROM_TEAM: "ops" }, true],
    ["another path, root in a container", { USER: "root" }, true],
    ["another path and a name of one's own", { PALINDROM_ENGINEER: "a.smith" }, true],
  ])(
    "under %s comes to rest, with one certificate that both can read",
    async (_what, env, told) => {
      const alice = machine();
      await alice.run();
      const first = await inside(alice, env);
      const settled = readFileSync(alice.settings, "utf8");
      const certificate = alice.written().OTEL_EXPORTER_OTLP_CERTIFICATE ?? "";
      expect(first.stdout.includes("is shared with")).toBe(told);
      expect(certificate).toMatch(/^\/var\/tmp\/telemetry-hook-[0-9a-f]{16}\/ca\.pem$/);
      expect(statSync(certificate).mode & 0o777).toBe(0o644);
      expect(alice.written().OTEL_RESOURCE_ATTRIBUTES).toContain("engineer=alice,team=engineering");
      for (let turn = 0; turn < 2; turn++) {
        expect((await alice.run()).stdout).toBe("");
        expect((await inside(alice, env)).stdout).toBe("");
        expect(readFileSync(alice.settings, "utf8")).toBe(settled);
      }
      await alice.run(["uninstall"]);
      expect(existsSync(certificate)).toBe(false);
    },
  );
});

describe("Git's sh on Windows, where a path has two spellings", () => {
  it("gives Claude Code the one that it can open, and is in step with it", async () => {
    const alice = machine();
    // The same file for every tool here, in other letters, as C:/Users/… is there.
    alice.fake("cygpath", `echo "/.$2"`);
    await alice.run();
    await alice.settled();
    const certificate = alice.written().OTEL_EXPORTER_OTLP_CERTIFICATE;
    expect(certificate).toBe(`/.${alice.state}/ca.pem`);
    const before = statSync(alice.settings).mtimeMs;
    expect((await alice.run()).stdout).not.toContain("systemMessage");
    expect(statSync(alice.settings).mtimeMs).toBe(before);
    expect(existsSync(`${alice.state}/shared`)).toBe(false);
    await alice.run(["uninstall"]);
    expect(alice.written()).toEqual({});
  });
});

describe("the state folder", () => {
  it("is shut again when something has opened it", { tags: "attack/engineer" }, async () => {
    const alice = machine();
    await alice.run();
    await alice.settled();
    execFileSync("chmod", ["-R", "go+rX", alice.state]);
    await alice.run(["refresh"]);
    expect(statSync(alice.state).mode & 0o077).toBe(0);
    for (const name of readdirSync(alice.state))
      expect(statSync(join(alice.state, name)).mode & 0o077, name).toBe(0);
  });
  it("is shut when it is there before the first start", { tags: "attack/engineer" }, async () => {
    const alice = machine();
    mkdirSync(alice.state, { mode: 0o755 });
    await alice.run();
    expect(statSync(alice.state).mode & 0o077).toBe(0);
  });
});
