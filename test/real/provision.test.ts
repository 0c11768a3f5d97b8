import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { renderContent } from "../../infra/signoz/content.js";
import type { ContentInput } from "../../infra/signoz/contentInput.js";
import { packed } from "../../infra/vm/metadata.js";
import { bareInput, fullInput, fullSecrets } from "../../simulator/signoz/input.js";
import type { Json } from "../../simulator/signoz/objects.js";
import { SignozImitation } from "../../simulator/signoz/server.js";

const missing = ["bash", "jq", "curl"].filter((tool) => spawnSync(tool, ["--version"]).error);
const user = { email: "admin@example.com", password: "Aa1!example-password" };
const script = join(__dirname, "../../infra/signoz/provisioning/provision.sh");

let folder: string;
let signoz: SignozImitation;
let started: string;

async function setUp() {
  folder = mkdtempSync(join(tmpdir(), "provision-"));
  signoz = await SignozImitation.start(user);
  started = "first";
}
async function tearDown() {
  await signoz.stop();
  rmSync(folder, { recursive: true });
}

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

interface Run {
  status: number | null;
  /** What was said by verb, without the lines that say unchanged. */
  said: string[];
  errors: string[];
  total: string;
}

async function provision(
  input: ContentInput,
  {
    secrets = fullSecrets as object | null,
    content = JSON.stringify(renderContent(input)),
    credentials = user as object,
    readySeconds = 30,
  } = {},
): Promise<Run> {
  const child = spawn(
    "bash",
    [
      script,
      file("content", content),
      file("credentials", JSON.stringify(credentials)),
      signoz.url,
      join(folder, "state"),
      ...(secrets ? [file("secrets", JSON.stringify(secrets))] : []),
    ],
    {
      env: {
        ...process.env,
        TMPDIR: folder,
        SIGNOZ_STARTED: started,
        PROVISION_READY_SECONDS: `${readySeconds}`,
      },
    },
  );
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  const lines = (text: string) => text.split("\n").filter(Boolean);
  return {
    status,
    said: lines(output)
      .slice(0, -1)
      .filter((line) => !line.startsWith("unchanged")),
    errors: lines(errors),
    total: lines(output).at(-1) ?? "",
  };
}

const total = (created: number, updated: number, unchanged: number, removed = 0, failed = 0) =>
  `provision: ${created} created, ${updated} updated, ${unchanged} unchanged, ${removed} removed, ${failed} failed`;
const dashboard = (name: string) => signoz.dashboards.find("name", name) as Json & { spec: Json };
const dailySpend = "Claude Code: daily spend of an engineer";
const secretValues = [user.password, ...Object.values(fullSecrets).filter(Boolean)];
const commands: string[] = [];
const commandLines = (): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
      } catch {
        return []; // ended in between
      }
    });
/** 3 channels, 4 dashboards, 9 views, 8 rules, 2 quiet hours. */
const all = 26;

describe.skipIf(missing.length > 0)(
  `provision.sh (skipped without bash, jq and curl; missing here: ${missing.join(" ") || "none"})`,
  { timeout: 120_000 },
  () => {
    describe("run after run on one SigNoz", () => {
      beforeAll(setUp);
      afterAll(tearDown);

      it("waits until SigNoz is ready and creates everything", async () => {
        signoz.notReady = 1;
        signoz.alertmanagerIn = 1;
        const foreign = {
          schemaVersion: "v6",
          tags: [],
          spec: { display: { name: "mine" }, variables: [], panels: {}, layouts: [] },
        };
        signoz.dashboards.post({ ...foreign, name: "foreign" });
        signoz.channels.post({
          name: "foreign",
          webhook_configs: [{ url: "https://example.com" }],
        });
        const watch = setInterval(() => commands.push(...commandLines()), 30);
        const run = await provision(fullInput);
        clearInterval(watch);
        expect(run).toMatchObject({ status: 0, errors: [], total: total(26, 0, 0) });
        expect(run.said.slice(0, 4)).toEqual([
          "created   channel monitoring-email",
          "created   channel monitoring-slack",
          "created   channel monitoring-webhook",
          "created   dashboard claude-code-team-overview",
        ]);
        expect(signoz.alertmanagerIn, "rules wait for the alertmanager").toBe(0);
      });

      it.skipIf(!existsSync("/proc/self/cmdline"))(
        "shows no secret to who lists the processes (skipped without /proc)",
        () => {
          expect(commands.join("\n")).toContain("curl");
          for (const secret of secretValues) expect(commands.join("\n")).not.toContain(secret);
        },
      );

      it("puts the secrets into the channels", () => {
        const receiver = JSON.parse(
          signoz.channels.find("name", "monitoring-webhook")?.data as string,
        );
        expect(receiver.webhook_configs[0]).toMatchObject({
          url: fullSecrets.webhookUrl,
          http_config: { authorization: { credentials: fullSecrets.webhookToken } },
        });
      });

      it("links notices to the dashboard that SigNoz made", () => {
        const rule = signoz.rules.find("alert", dailySpend) as { annotations?: Json };
        expect(rule.annotations?.description).toContain(
          `http://localhost:8080/dashboard/${dashboard("claude-code-engineer").id}`,
        );
      });

      it("changes nothing on the second run, and sends no write", async () => {
        signoz.writes.length = 0;
        expect(await provision(fullInput)).toMatchObject({
          status: 0,
          said: [],
          errors: [],
          total: total(0, 0, all),
        });
        expect(signoz.writes).toEqual([]);
      });

      it("puts back after a restart that a critical notice silences its warning, once", async () => {
        const before = [...signoz.rules.inhibiting];
        expect(before).toHaveLength(4);
        signoz.restart();
        expect(signoz.rules.inhibiting.size).toBe(0);
        started = "second";
        const run = await provision(fullInput);
        expect(run).toMatchObject({ status: 0, errors: [], total: total(0, 4, all - 4) });
        expect([...signoz.rules.inhibiting].sort()).toEqual(before.sort());
        expect((await provision(fullInput)).total).toBe(total(0, 0, all));
      });

      it("leaves no session, no file and no secret behind", () => {
        expect(readdirSync(folder).sort()).toEqual(["content", "credentials", "secrets", "state"]);
        expect(statSync(join(folder, "state")).mode & 0o777).toBe(0o600);
        const state = readFileSync(join(folder, "state"), "utf8");
        for (const secret of secretValues) expect(state).not.toContain(secret);
      });

      it("writes again what was edited by hand, and removes what was copied or renamed", async () => {
        const edited = dashboard("claude-code-engineer");
        edited.spec = { ...edited.spec, panels: {} };
        const locked = dashboard("claude-code-reliability");
        Object.assign(locked, { locked: true, spec: { ...locked.spec, panels: {} } });
        const { id, ...rule } = signoz.rules.find("alert", dailySpend) as Json;
        (signoz.rules.byId.get(id as string) as Json).disabled = true;
        signoz.rules.byId.set("copy", { ...rule, id: "copy" });
        signoz.rules.byId.set("renamed", { ...rule, id: "renamed", alert: "renamed" });
        const versions = signoz.views.find("name", "managed-by-monitoring-versions");
        (versions as { spec: Json }).spec.displayName = "x";
        (signoz.channels.find("name", "monitoring-slack") as Json).data = "{}";

        expect(await provision(fullInput)).toMatchObject({
          status: 0,
          errors: [],
          said: [
            "updated   channel monitoring-slack",
            "updated   dashboard claude-code-engineer",
            "updated   dashboard claude-code-reliability",
            "updated   view managed-by-monitoring-versions",
            `updated   rule ${dailySpend}`,
            `removed   rule ${dailySpend}`,
            "removed   rule renamed",
          ],
        });
        for (const name of ["claude-code-engineer", "claude-code-reliability"])
          expect(Object.keys(dashboard(name).spec.panels as Json).length).toBeGreaterThan(15);
        expect(dashboard("claude-code-reliability").locked).toBe(true);
        expect((await provision(fullInput)).total).toBe(total(0, 0, all));
      });

      it.each([
        ["a command", "x$(touch COMMAND)`touch COMMAND`"],
        ["an amount", "more than $50"],
        ["a line break and a path", "x\n../../v1/channels/FOREIGN"],
      ])(
        "takes the name of a rule for text and nothing else: %s",
        { tags: "attack/machine" },
        async (_, name) => {
          const { id: _id, ...rule } = signoz.rules.find("alert", dailySpend) as Json;
          const foreign = signoz.channels.find("name", "foreign") as { id: string };
          const alert = name
            .replaceAll("COMMAND", join(folder, "ran"))
            .replace("FOREIGN", foreign.id);
          signoz.rules.byId.set("named", { ...rule, id: "named", alert });
          signoz.writes.length = 0;
          expect(await provision(fullInput)).toMatchObject({
            status: 0,
            errors: [],
            said: [`removed   rule ${alert.replace("\n", " ")}`],
          });
          expect(signoz.writes).toEqual(["DELETE /api/v2/rules/named"]);
          expect(readdirSync(folder).sort()).toEqual([
            "content",
            "credentials",
            "secrets",
            "state",
          ]);
          expect((await provision(fullInput)).total).toBe(total(0, 0, all));
        },
      );

      it("follows the configuration: a channel and a team go, a budget changes", async () => {
        const run = await provision({
          ...fullInput,
          hasSlack: false,
          teamBudgets: [],
          dailyBudgetUsd: 60,
        });
        expect(run).toMatchObject({ status: 0, errors: [] });
        expect(run.said.filter((line) => line.startsWith("removed"))).toEqual([
          `removed   rule ${dailySpend} (research)`,
          "removed   rule Claude Code: monthly spend of an engineer (research)",
          "removed   channel monitoring-slack",
        ]);
      });

      it("removes what is ours and nothing else, and a rule survives its channels", async () => {
        signoz.dashboards.ignoresQuery = true;
        const content = JSON.stringify({ ...renderContent(bareInput), dashboards: [], views: [] });
        expect(await provision(bareInput, { content })).toMatchObject({ status: 0, errors: [] });
        const left = (objects: { byId: Map<string, Json> }, key = "name") =>
          [...objects.byId.values()].map((object) => object[key]);
        expect(left(signoz.dashboards)).toEqual(["foreign"]);
        expect(left(signoz.channels)).toEqual(["foreign"]);
        expect(left(signoz.rules, "alert")).toEqual(["Gate: telemetry is lost"]);
        expect(left(signoz.views)).toEqual([]);
        expect(left(signoz.quietHours)).toEqual([]);
      });
    });

    describe("when much is wrong at once", () => {
      let broken: Run;
      let repaired: Run;
      const input = fullInput;
      // Packed, as content that is too large arrives.
      const content = packed(JSON.stringify(renderContent(input)), "content", 64 * 1024);

      beforeAll(async () => {
        await setUp();
        const [overview] = renderContent(input).dashboards as unknown as Json[];
        signoz.dashboards.post({ ...overview, tags: [] });
        const slack = fullSecrets.slackWebhookUrl;
        signoz.faults = [
          { method: "POST", path: /channels$/, body: slack, status: 500, message: `bad ${slack}` },
          {
            method: "POST",
            path: /dashboards$/,
            body: '"claude-code-engineer"',
            status: 500,
            message: "full",
          },
          { method: "GET", path: /saved_views$/, status: 503, message: "try later" },
        ];
        const { list } = signoz.quietHours;
        signoz.quietHours.list = () => ({ schedules: [] });
        signoz.sessionRequests = 20;
        broken = await provision(input, { content, secrets: { ...fullSecrets, webhookUrl: "" } });
        const rule = signoz.rules.find("alert", dailySpend) as Json;
        channelsWhenBroken = signoz.rules.channelsOf(rule);
        signoz.faults = [];
        signoz.quietHours.list = list;
        signoz.dashboards.byId.clear();
        repaired = await provision(input, { content });
      }, 120_000);
      afterAll(tearDown);
      let channelsWhenBroken: string[];

      it("reports each failure in a line, without a secret, and ends with 1", () => {
        expect(broken.status).toBe(1);
        expect(broken.errors).toEqual([
          "failed    channel monitoring-slack: 500 from SigNoz: check the address, token and channel in the configuration",
          "failed    channel monitoring-webhook: the secret webhookUrl is not among the secrets",
          "failed    dashboard claude-code-team-overview: 409 dashboard already exists: an object that is not ours has this name, rename it in SigNoz",
          "failed    dashboard claude-code-engineer: 500 full",
          "failed    view: cannot be listed: 503 try later",
          "failed    quiet-hours: cannot be listed: 200 in a form that v0.138.0 does not have",
        ]);
        expect(broken.total).toMatch(/, 6 failed$/);
      });

      it("does all the others", () => {
        for (const line of [
          "created   channel monitoring-email",
          "created   dashboard monitoring-gate-and-storage",
          "created   rule Gate: telemetry is lost",
        ])
          expect(broken.said).toContain(line);
      });

      it("tells the rules through the channels there are, and through all once they are there", () => {
        expect(new Set(channelsWhenBroken)).toEqual(new Set(["monitoring-email"]));
        const rule = signoz.rules.find("alert", dailySpend) as Json;
        expect(new Set(signoz.rules.channelsOf(rule))).toEqual(
          new Set(["monitoring-email", "monitoring-slack", "monitoring-webhook"]),
        );
      });

      it("logs in again whenever the session ends in between", () => {
        expect(signoz.logins).toBeGreaterThan(3);
      });

      it("finishes the rest on the next run", () => {
        expect(repaired).toMatchObject({ status: 0, errors: [] });
        expect(repaired.said).toContain("created   channel monitoring-webhook");
        expect(repaired.said).toContain("created   view managed-by-monitoring-versions");
      });
    });

    describe("when it cannot start", () => {
      beforeEach(setUp);
      afterEach(tearDown);

      it.each([
        [
          "a wrong password",
          { credentials: { ...user, password: "wrong" } },
          "provision: login was refused: 401 invalid email or password",
        ],
        [
          "an unknown user",
          { credentials: { ...user, email: "x@example.com" } },
          "provision: SigNoz knows no user x@example.com: is the root user set on the server?",
        ],
        [
          "content that is none",
          { content: "nonsense" },
          expect.stringMatching(/neither JSON nor gzip\+base64$/),
        ],
        ["broken content", { content: "{" }, expect.stringMatching(/content or .*: not JSON$/)],
      ])("stops with 2 at %s", async (_, options, message) => {
        const run = await provision(bareInput, options);
        expect(run.status).toBe(2);
        expect(run.errors).toEqual([message]);
        expect(existsSync(join(folder, "state"))).toBe(false);
      });

      it("stops with 2 when SigNoz does not get ready in time", async () => {
        signoz.notReady = 1000;
        expect(await provision(bareInput, { readySeconds: 2 })).toMatchObject({
          status: 2,
          errors: [`provision: ${signoz.url}/api/v2/readyz is not ready after 2 s: 503 `],
        });
      });

      it("says how to call it", () => {
        const { status, stderr } = spawnSync("bash", [script, "content"], { encoding: "utf8" });
        expect(status).toBe(2);
        expect(stderr).toMatch(
          /^Usage: provision.sh CONTENT CREDENTIALS BASE_URL STATE \[SECRETS\]\n/,
        );
      });
    });
  },
);
