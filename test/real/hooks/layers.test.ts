import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { renderHook, shellQuote } from "../../../hooks/render";
import { finished, Machine, values, which } from "../../hooks/engineerMachine";
import { ageAttempt } from "../../hooks/withKeys";

const machines: Machine[] = [];
type Options = ConstructorParameters<typeof Machine>[0];
function prepared(hook: Options = {}): Machine {
  const made = new Machine(hook);
  made.fake("gcloud", "echo key-1");
  made.fakeGate("key-1");
  return made;
}
function machine(hook?: Options): Machine {
  const made = prepared(hook);
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
  /** An object with these members beside a list that JSON.parse reads and jq gives up on. */
  const deep = (members: string) => `{${members}, "x": ${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  const repository = (made: Machine, text: string, file = "settings.json") => {
    const project = join(made.root, "project");
    mkdirSync(join(project, ".claude"), { recursive: true });
    writeFileSync(join(project, ".claude", file), text);
    return { cwd: project, project };
  };
  const victim = { PALINDROM_ENGINEER: "victim" };
  const escaped = '"env": {"PALINDROM\\u005fENGINEER": "victim"}';
  const ownNames = [
    ...new Set([...renderHook(values).matchAll(/(?<![\w$])([a-z_]+)=/g)].map(([, name]) => name)),
  ];
  const functions = Object.fromEntries(
    "jq exec command unset awk cat env curl gcloud printf [ sh"
      .split(" ")
      .map((name) => [`BASH_FUNC_${name}%%`, "() { EVIL/jq; }"]),
  );
  /** What the hook gets into its environment, and the text of settings that brings it there. */
  const attacks: [string, Record<string, string>, string?][] = [
    ["a name", victim],
    ["a team", { PALINDROM_TEAM: "other" }],
    ["USER", { USER: "victim" }],
    ["a key", { SIGNOZ_KEY: "attackers-key" }],
    ["a name behind escapes", victim, `{${escaped}}`],
    ["a name behind escapes, deeper than jq reads", victim, deep(escaped)],
    ["a name behind a byte order mark", victim, `\uFEFF${JSON.stringify({ env: victim })}`],
    [
      "env behind escapes",
      { SIGNOZ_KEY: "attackers-key" },
      '{"\\u0065nv": {"SIGNOZ_KEY": "attackers-key"}}',
    ],
    [
      "a key with line ends between",
      { SIGNOZ_KEY: "attackers-key" },
      '{"env"\n:\n{"SIGNOZ_KEY"\n:\n"attackers-key"}}',
    ],
    ["programs", { PATH: "EVIL:PATH" }],
    ["curl's and git's settings", { CURL_HOME: "/evil", GIT_CONFIG_COUNT: "1" }],
    ["gcloud's account", { CLOUDSDK_CORE_ACCOUNT: "eve@evil.test" }],
    ["gcloud's Python", { CLOUDSDK_PYTHON: "EVIL/jq", PYTHONPATH: "EVIL" }],
    ["what bash reads first", { BASH_ENV: "EVIL/jq" }],
    ["what bash takes as functions", functions],
    ["functions, and what says that none are taken", { ...functions, SHELLOPTS: "privileged" }],
    ["functions behind escapes", functions, deep('"env": {"\\u0042ASH_FUNC_jq%%": ""}')],
    ["a proxy in lower case", { https_proxy: "http://evil.test:1" }],
    ["where the hook sends to", { endpoint_url: "https://evil.test", ca_certificate: "evil" }],
    [
      "every variable of the hook's own",
      Object.fromEntries(ownNames.map((name) => [name, "evil"])),
    ],
    ["what git takes for the work tree", { GIT_DIR: "/evil", GIT_WORK_TREE: "/" }],
  ];
  describe.concurrent.each<[string, { without?: string[]; shellKnown?: boolean; bash?: boolean }]>([
    ["with jq", {}],
    ["where sh is bash, as on macOS", { bash: true }],
    ["without jq", { without: ["jq"] }],
    ["where the engineer's shell is known", { shellKnown: true }],
  ])("%s", (_where, { without, shellKnown, bash }) => {
    it.each(attacks)(
      "%s changes nothing for good",
      { tags: "attack/engineer" },
      async (_what, env, text = JSON.stringify({ env })) => {
        const alice = prepared({ without });
        try {
          alice.env.no_proxy = "localhost";
          if (bash) {
            rmSync(join(alice.bin, "sh"));
            symlinkSync(which("bash") ?? "bash", join(alice.bin, "sh"));
          }
          const evil = join(alice.root, "evil");
          mkdirSync(evil);
          for (const tool of ["jq", "date", "curl", "gcloud", "tr", "grep", "sed"])
            writeFileSync(
              join(evil, tool),
              `#!/bin/sh\necho ${tool} >>"${alice.root}/ran"\nexit 1\n`,
              { mode: 0o755 },
            );
          const fill = (value: string) =>
            value.replace("EVIL", evil).replace(":PATH", `:${alice.bin}`);
          // As Claude Code starts it: its own environment is the engineer's, the hook's has the repository's over it.
          const start = (hooked: Record<string, string>) => {
            const words = Object.entries(hooked).map((pair) => shellQuote(pair.join("=")));
            const script = `env ${shellKnown ? "CLAUDE_PID=$$" : ""} ${words.join(" ")} ${alice.bin}/sh "$0"; exit $?`;
            return alice.run([], { shell: [join(alice.bin, "sh"), "-c", script], cwd: project });
          };
          const { project } = repository(alice, fill(text), "settings.local.json");
          const holds = () => ({
            settings: existsSync(alice.settings) && readFileSync(alice.settings, "utf8"),
            profile: alice.read("env"),
            key: alice.read("key"),
          });
          await start({});
          await alice.settled();
          const kept = holds();
          rmSync(alice.envFile);
          // The next start asks for a key anew; without jq it would also find the system's, and settings.json.
          if (!without) ageAttempt(alice);
          alice.fake("gcloud", `env >>"${alice.root}/seen"; echo key-1`);
          const hooked = Object.entries(env).map(([name, value]) => [name, fill(value)]);
          await start({ ...Object.fromEntries(hooked), CLAUDE_PROJECT_DIR: project });
          await alice.settled();
          expect(holds()).toEqual(kept);
          expect(existsSync(alice.envFile), "the session has its variables").toBe(true);
          expect(existsSync(join(alice.root, "ran"))).toBe(false);
          const seen = existsSync(`${alice.root}/seen`)
            ? readFileSync(`${alice.root}/seen`, "utf8")
            : "";
          for (const pair of hooked) expect(seen).not.toContain(pair.join("="));
          expect(seen).not.toContain("BASH_FUNC");
          expect(seen).not.toContain("key-1");
        } finally {
          alice.remove();
        }
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

describe("Git's sh on Windows", () => {
  /** Where a path has two spellings, and jq.exe ends its lines with CR LF unless it is told --binary. */
  function onWindows(): Machine {
    const alice = machine({ hook: { onePasswordReference: "" } });
    // The same file for every tool here, in other letters, as C:/Users/… is there.
    alice.fake("cygpath", `echo "/.$2"`);
    const jq = which("jq") ?? "jq";
    alice.fake(
      "jq",
      `case $1 in --binary) shift; exec ${jq} "$@" ;; esac
text=$(${jq} "$@"; echo "$?")
printf '%s' "\${text%?}" | sed 's/$/\r/'
exit "\${text#"\${text%?}"}"`,
    );
    return alice;
  }
  it("gives Claude Code the path that it can open, and is in step with it", async () => {
    const alice = onWindows();
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
  it("reads what jq.exe says, and takes back what a repository sets", {
    tags: "attack/engineer",
  }, async () => {
    const alice = onWindows();
    const project = join(alice.root, "project");
    mkdirSync(join(project, ".claude"), { recursive: true });
    const env = { OTHER: "1", PALINDROM_ENGINEER: "victim", SIGNOZ_KEY: "attackers-key", Z: "1" };
    writeFileSync(join(project, ".claude/settings.json"), settings(env));
    await alice.run([], { cwd: project, env: { ...env, CLAUDE_PROJECT_DIR: project } });
    expect(alice.written()).toMatchObject({
      OTEL_EXPORTER_OTLP_HEADERS: "signoz-ingestion-key=key-1",
      OTEL_RESOURCE_ATTRIBUTES: expect.stringContaining("engineer=alice"),
    });
    expect((await alice.run(["doctor"])).stdout).toMatch(/^pass jq /m);
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
  it.skipIf(process.getuid?.() !== 0)(
    "is the engineer's, and so is settings.json, when a session of root's makes them (needs root)",
    async () => {
      const alice = machine();
      execFileSync("chown", ["-R", "65534:65534", alice.home]);
      const options = { env: { ...alice.env, USER: "root" }, cwd: alice.root };
      await finished(spawn(join(alice.bin, "sh"), [alice.hook], options));
      expect([alice.state, alice.settings].map((path) => statSync(path).uid)).toEqual([
        65534, 65534,
      ]);
      await alice.settled();
    },
  );
});
