import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  uses?: string;
  run?: string;
  if?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}
interface Job {
  if?: string;
  needs?: string;
  permissions?: Record<string, string>;
  environment?: string;
  "timeout-minutes"?: number;
  steps: Step[];
}
interface Workflow {
  on: Record<string, { paths?: string[]; types?: string[] } | null>;
  permissions?: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  jobs: Record<string, Job>;
}

const folder = ".github/workflows";
const texts = Object.fromEntries(
  readdirSync(folder).map((file) => [
    file.replace(/\.yml$/, ""),
    readFileSync(`${folder}/${file}`, "utf8"),
  ]),
);
const workflow = (name: string) => parse(texts[name] ?? "") as Workflow;
const jobs = Object.keys(texts).flatMap((name) =>
  Object.entries(workflow(name).jobs).map(([job, body]) => [`${name}/${job}`, body] as const),
);
const steps = jobs.flatMap(([job, { steps }]) => steps.map((step) => [job, step] as const));
const job = (name: string) => jobs.find(([known]) => known === name)?.[1] as Job;

/** The inputs each pinned action takes, from its action.yml at that commit (those that are used here). */
const actionInputs: Record<string, string[]> = {
  "actions/checkout": ["fetch-depth", "persist-credentials", "ref"],
  "actions/setup-node": ["node-version", "cache"],
  "actions/setup-go": ["go-version", "cache"],
  "actions/cache": ["path", "key", "restore-keys"],
  "actions/upload-artifact": ["name", "path", "if-no-files-found", "retention-days"],
  "actions/download-artifact": ["name", "path"],
  "google-github-actions/auth": ["project_id", "workload_identity_provider", "service_account"],
  "google-github-actions/setup-gcloud": ["version"],
  "pulumi/actions": [
    "pulumi-version-file",
    "command",
    "stack-name",
    "cloud-url",
    "suppress-outputs",
    "message",
  ],
};

describe("every workflow", () => {
  it("exists", () =>
    expect(Object.keys(texts).sort()).toEqual(["check", "deploy", "drift", "preview"]));

  it("pins each action by commit, names its full version, and uses one commit for it everywhere", () => {
    const uses = Object.values(texts).flatMap((text) =>
      [...text.matchAll(/uses: (.*)/g)].map(([, use]) => use ?? ""),
    );
    expect(uses.length).toBeGreaterThan(10);
    for (const use of uses) expect(use).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    const pins = new Set(uses);
    expect(pins.size).toBe(new Set(uses.map((use) => use.split("@")[0])).size);
  });

  it("passes only inputs that the pinned action takes", () => {
    for (const [where, { uses, with: inputs }] of steps)
      for (const input of Object.keys((uses && inputs) || {}))
        expect(actionInputs[uses?.split("@")[0] ?? ""], `${where}: ${uses} ${input}`).toContain(
          input,
        );
  });

  it("starts without any permission, and each job names its own", () => {
    for (const name of Object.keys(texts)) expect(workflow(name).permissions, name).toEqual({});
    expect(Object.fromEntries(jobs.map(([name, { permissions }]) => [name, permissions]))).toEqual({
      "check/check": { contents: "read" },
      "check/whole": { contents: "read" },
      "preview/changes": { contents: "read" },
      "preview/preview": { contents: "read", "id-token": "write" },
      "preview/comment": { contents: "read", "pull-requests": "write" },
      "deploy/deploy": { contents: "read", "id-token": "write" },
      "drift/compare": { contents: "read", "id-token": "write" },
      "drift/report": { contents: "read", issues: "write" },
    });
  });

  it("holds no long-lived key and leaves no token in the checkout", () => {
    for (const text of Object.values(texts))
      expect(text).not.toMatch(/\bsecrets[.[]|credentials_json/);
    for (const [where, { uses, with: inputs }] of steps)
      if (uses?.startsWith("actions/checkout@"))
        expect(inputs?.["persist-credentials"], where).toBe(false);
  });

  it("ends by itself", () => {
    for (const [name, body] of jobs) expect(body["timeout-minutes"], name).toBeLessThanOrEqual(45);
  });

  it("keeps values out of its shell and its shell in scripts that exist", () => {
    for (const [where, { run }] of steps) {
      if (!run) continue;
      expect(run, where).not.toContain("${{");
      expect(run.trim().split("\n").length, where).toBe(1);
      for (const [script] of run.matchAll(/scripts\/[\w./-]+/g)) {
        expect(existsSync(script), `${where}: ${script}`).toBe(true);
        if (script.endsWith(".sh")) accessSync(script, constants.X_OK);
      }
    }
  });
});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: GitHub's expressions look like template strings.
describe("preview", () => {
  it("gives a fork's pull request nothing", () => {
    const guard = "github.event.pull_request.head.repo.full_name == github.repository";
    expect(job("preview/changes").if).toBe(guard);
    expect(job("preview/preview").needs).toBe("changes");
    expect(job("preview/comment").needs).toBe("preview");
    expect(workflow("preview").on).not.toHaveProperty("pull_request_target");
  });

  it("cancels the older run of the same pull request", () =>
    expect(workflow("preview").concurrency).toEqual({
      group: "preview-${{ github.event.pull_request.number }}",
      "cancel-in-progress": true,
    }));

  it("reads the label anew on every label, so no skipped run hides a failed one", () => {
    expect(workflow("preview").on.pull_request?.types).toEqual([
      "opened",
      "synchronize",
      "reopened",
      "labeled",
      "unlabeled",
    ]);
    expect(job("preview/changes").if).not.toContain("label");
  });

  it("takes the comment's script from the base, not from the pull request", () => {
    const [checkout] = job("preview/comment").steps;
    expect(checkout?.with?.ref).toBe("${{ github.event.pull_request.base.sha }}");
    expect(job("preview/comment").steps.some(({ run }) => /npm|npx|node /.test(run ?? ""))).toBe(
      false,
    );
  });

  it("reaches neither the state nor a stack key", () => {
    expect(texts.preview).not.toMatch(/monitoring-state|PULUMI_BACKEND_URL|command: /);
    expect(texts.preview).toContain("monitoring-preview@");
  });
});

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.

describe("deploy", () => {
  it("runs from main only, behind its environment, never cancelled half-way, and ends by proving the gate", () => {
    const deploy = job("deploy/deploy");
    expect(deploy.environment).toBe("dev");
    expect(deploy.if).toBe("github.ref == 'refs/heads/main'");
    expect(workflow("deploy").concurrency?.["cancel-in-progress"]).toBe(false);
    expect(deploy.steps.at(-1)?.run).toContain("scripts/verify-telemetry.sh");
  });

  it("prints no stack output", () => {
    const up = job("deploy/deploy").steps.find(({ with: inputs }) => inputs?.command === "up");
    expect(up?.with?.["suppress-outputs"]).toBe(true);
  });

  it("follows the same files as the preview", () => {
    const [, list] =
      /^program=\((.*)\)$/m.exec(readFileSync("scripts/ci/preview/changed.sh", "utf8")) ?? [];
    const previewed = (list ?? "").replaceAll("'", "").split(" ");
    const deployed = (workflow("deploy").on.push?.paths ?? []).map((path) =>
      path.replace("/**", ""),
    );
    expect(previewed).toEqual([...deployed, "policy", "scripts/ci/preview"]);
    for (const path of previewed.filter((path) => !path.includes("*")))
      expect(existsSync(path), path).toBe(true);
  });
});

describe("check", () => {
  it("runs what a developer runs, on every Node line that the program must run on", () => {
    const commands = job("check/check")
      .steps.map(({ run }) => run)
      .filter(Boolean);
    expect(commands).toEqual(["npm ci", "npm run check", "npm test"]);
    expect(texts.check).toContain("node: [20, 22, 24]");
    expect(job("check/whole").steps.at(-1)?.run).toBe("bash .ci/run");
  });
});

describe("drift", () => {
  it("runs weekly from main in an environment that waits for nobody, and only the report may write issues", () => {
    expect(texts.drift).toMatch(/cron: "\d+ \d+ \* \* [0-6]"/);
    expect(job("drift/compare").environment).toBe("dev-drift");
    expect(
      job("drift/report").steps.some(({ uses }) => uses?.startsWith("google-github-actions")),
    ).toBe(false);
  });
});
