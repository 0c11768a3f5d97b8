import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  id?: string;
  uses?: string;
  run?: string;
  if?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}
interface Job {
  if?: string;
  needs?: string | string[];
  permissions?: Record<string, string>;
  environment?: string;
  "timeout-minutes"?: number;
  steps: Step[];
}
interface Workflow {
  on: Record<string, { branches?: string[]; "paths-ignore"?: string[]; types?: string[] } | null>;
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
  "actions/checkout": ["fetch-depth", "path", "persist-credentials", "ref"],
  "actions/setup-node": ["node-version", "cache", "package-manager-cache"],
  "actions/setup-go": ["go-version", "cache"],
  "actions/cache": ["path", "key", "restore-keys"],
  "actions/upload-artifact": ["name", "path", "if-no-files-found", "retention-days"],
  "actions/download-artifact": ["name", "path"],
  "google-github-actions/auth": ["project_id", "workload_identity_provider", "service_account"],
  "google-github-actions/setup-gcloud": ["version", "install_components"],
  "pulumi/actions": ["pulumi-version-file"],
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
      "preview/judge": { contents: "read" },
      "preview/comment": { contents: "read", "pull-requests": "write" },
      "deploy/plan": { contents: "read", "id-token": "write" },
      "deploy/apply": { contents: "read", "id-token": "write" },
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

  it("installs neither install scripts nor development packages where a token or the rules are", () => {
    for (const [name, { permissions, steps }] of jobs) {
      const installs = steps.flatMap(({ run }) => (run?.includes("npm ci") ? [run] : []));
      if (name.startsWith("check/")) continue;
      expect(new Set(installs), name).toEqual(
        new Set(installs.length ? ["npm ci --ignore-scripts --omit=dev"] : []),
      );
      expect(
        steps.some(({ run }) => /\bnpx\b/.test(run ?? "")),
        name,
      ).toBe(false);
      if (Object.values(permissions ?? {}).includes("write") && !permissions?.["id-token"])
        expect(installs, `${name}: a token that writes needs no package`).toEqual([]);
    }
  });

  it("restores nothing that other jobs kept where a token or the rules are: an archive of the cache may write to any place", {
    tags: "attack/ci",
  }, () => {
    for (const [name, { steps }] of jobs) {
      if (name.startsWith("check/")) continue;
      for (const { uses, with: inputs } of steps) {
        expect(uses ?? "", name).not.toMatch(/^actions\/cache@/);
        if (uses?.startsWith("actions/setup-node@"))
          expect([inputs?.cache, inputs?.["package-manager-cache"]], name).toEqual([
            undefined,
            false,
          ]);
      }
    }
  });

  it("can sign in to a cluster where it deploys or compares, and nowhere else", () => {
    const signingIn = jobs.filter(([, { steps }]) =>
      steps.some(({ with: inputs }) => inputs?.install_components !== undefined),
    );
    expect(signingIn.map(([name]) => name)).toEqual(["deploy/apply", "drift/compare"]);
    for (const [name, { steps }] of signingIn) {
      const says = steps.findIndex(({ run }) => run?.startsWith("scripts/ci/components.sh dev "));
      const [id, installs] = [steps[says]?.id, steps[says + 1]?.with?.install_components];
      expect([name, installs]).toEqual([name, `\${{ steps.${id}.outputs.components }}`]);
    }
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
    expect(job("preview/preview").if).toBe(`needs.changes.outputs.program == 'true' && ${guard}`);
    expect(job("preview/preview").needs).toBe("changes");
    expect(job("preview/comment").needs).toEqual(["preview", "judge"]);
    expect(job("preview/comment").if).toContain("needs.preview.result != 'skipped'");
    expect(workflow("preview").on).not.toHaveProperty("pull_request_target");
  });

  it("skips the required check for no failure and no cancel before it, since GitHub lets a skipped one pass", {
    tags: "attack/ci",
  }, () => {
    const { needs, if: condition } = job("preview/judge");
    expect(needs).toEqual(["changes", "preview"]);
    expect(condition).toBe("${{ always() && needs.changes.outputs.program != 'false' }}");
    expect(job("preview/changes").if).toBeUndefined();
  });

  it("judges what asks for main, by main's rules of today, and what comes to ask for it", {
    tags: "attack/ci",
  }, () => {
    expect(workflow("preview").on.pull_request?.branches).toEqual(["main"]);
    expect(workflow("preview").on.pull_request?.types).toContain("edited");
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
      "edited",
      "labeled",
      "unlabeled",
    ]);
    expect(job("preview/preview").if).not.toContain("label");
  });

  it("runs the base's code wherever it decides, judges or comments", () => {
    for (const name of ["changes", "judge", "comment"]) {
      const { steps, permissions } = job(`preview/${name}`);
      expect(steps[0]?.with?.ref, name).toBe("main");
      // A second checkout may lie in a folder of its own, to be looked at.
      for (const { uses, with: inputs } of steps.slice(1))
        if (uses?.startsWith("actions/checkout@")) expect(inputs?.path, name).toBe("change");
      expect(permissions?.["id-token"], name).toBeUndefined();
    }
    expect(job("preview/comment").steps.some(({ run }) => /npm|npx|node/.test(run ?? ""))).toBe(
      false,
    );
    expect(texts.preview?.match(/summary\.ts/g)).toHaveLength(1);
  });

  it("reaches neither the state nor a stack key", () => {
    expect(texts.preview).not.toMatch(/monitoring-state|PULUMI_BACKEND_URL|command: /);
    expect(texts.preview).toContain("monitoring-preview@");
  });
});

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.

describe("deploy", () => {
  it("plans before the approval and applies just that plan after it, from main only, never cancelled half-way", () => {
    const [plan, apply] = [job("deploy/plan"), job("deploy/apply")];
    expect([plan.environment, apply.environment]).toEqual(["dev-plan", "dev"]);
    expect(apply.needs).toBe("plan");
    for (const { if: condition } of [plan, apply])
      expect(condition).toBe("github.ref == 'refs/heads/main'");
    expect(workflow("deploy").concurrency?.["cancel-in-progress"]).toBe(false);
    expect(apply.steps.at(-1)?.run).toContain("scripts/verify-telemetry.sh");
    const ups = steps.filter(([, { run }]) => /pulumi up|apply\.sh/.test(run ?? ""));
    expect(ups.map(([where, { run }]) => [where, run])).toEqual([
      ["deploy/apply", 'scripts/ci/deploy/apply.sh dev out/plan.json "$GITHUB_SHA"'],
    ]);
  });

  it("prints no stack output, and shows no secret in the plan", () => {
    for (const script of ["apply", "plan"]) {
      const text = readFileSync(`scripts/ci/deploy/${script}.sh`, "utf8");
      expect(text).not.toContain("--show-secrets");
      if (script === "apply") expect(text).toMatch(/pulumi up .*--suppress-outputs/);
    }
  });

  it("passes over the files that the preview passes over", () => {
    const listed = readFileSync("scripts/ci/other-files.txt", "utf8").trim().split("\n");
    const { push } = workflow("deploy").on;
    expect(push?.["paths-ignore"]?.map((path) => path.replace("/**", ""))).toEqual(listed);
    expect(push).not.toHaveProperty("paths");
    for (const path of listed) expect(existsSync(path), path).toBe(true);
  });
});

describe("check", () => {
  it("runs what a developer runs, on every Node line that the program must run on", () => {
    const commands = job("check/check")
      .steps.map(({ run }) => run)
      .filter(Boolean);
    expect(commands).toEqual(["npm ci", "npm run check", "npm test"]);
    expect(texts.check).toContain("node: [20, 22, 24]");
    expect(job("check/whole").steps.at(-1)?.run).toBe(
      'sudo --preserve-env=CI env "PATH=$PATH" "HOME=$HOME" bash .ci/run',
    );
  });
});

describe("drift", () => {
  it("runs weekly from main in an environment that waits for nobody, and only the report may write issues", () => {
    expect(texts.drift).toMatch(/cron: "\d+ \d+ \* \* [0-6]"/);
    expect(job("drift/compare").environment).toBe("dev-drift");
    expect(texts.drift).not.toMatch(/monitoring-state|PULUMI_BACKEND_URL/);
    expect(
      job("drift/report").steps.some(({ uses }) => uses?.startsWith("google-github-actions")),
    ).toBe(false);
  });
});
