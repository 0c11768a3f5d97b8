import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeTool, fixture, scratchFolder } from "../../fakeTool";

const hasJq = spawnSync("jq", ["--version"]).status === 0;

describe("changed.sh", () => {
  const repository = () => {
    const dir = scratchFolder("repository");
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
        cwd: dir,
        encoding: "utf8",
      });
    mkdirSync(join(dir, "scripts/ci/preview"), { recursive: true });
    mkdirSync(join(dir, "infra/vm/files"), { recursive: true });
    mkdirSync(join(dir, "docs"));
    for (const file of ["scripts/ci/preview/changed.sh", "scripts/ci/other-files.txt"])
      copyFileSync(file, join(dir, file));
    git("init", "-q");
    const commit = (file: string, text: string) => {
      writeFileSync(join(dir, file), text);
      git("add", "-A");
      git("commit", "-qm", file);
    };
    commit("Pulumi.dev.yaml", "config: {}\n");
    const changed = (base = "HEAD^1") =>
      spawnSync(join(dir, "scripts/ci/preview/changed.sh"), [base], { encoding: "utf8" });
    return { commit, changed };
  };

  it.each([
    ["infra/vm/files/gate.yaml", "program=true\n"],
    ["Pulumi.dev.yaml", "program=true\n"],
    ["package-lock.json", "program=true\n"],
    // Each decides without being part of the program: what npm installs, which program Pulumi runs, how git writes it out.
    ["npm-shrinkwrap.json", "program=true\n"],
    ["Pulumi.json", "program=true\n"],
    [".gitattributes", "program=true\n"],
    ["docs/runbook.md", "program=false\n"],
    ["README.md", "program=false\n"],
  ])("answers for %s: %s", (file, answer) => {
    const { commit, changed } = repository();
    commit(file, "new\n");
    expect(changed().stdout).toBe(answer);
  });

  it("fails, rather than skip the preview, when the base is unknown", () => {
    const { changed } = repository();
    const { status, stdout } = changed("no-such-commit");
    expect(status).not.toBe(0);
    expect(stdout).toBe("");
  });
});

describe.skipIf(!hasJq)("comment.sh (needs jq)", () => {
  const marker = "<!-- pulumi-preview:dev -->";
  const run = (comments: object[][], body = `${marker}\n### Preview`) => {
    // Real `gh api --paginate` prints one JSON array a page.
    const pages = comments.map((page) => JSON.stringify(page)).join("\n");
    const gh = fakeTool("gh", `[ "$2" = --paginate ] && cat "$STATE/pages"; exit 0`);
    writeFileSync(join(gh.folder, "pages"), pages);
    const file = join(gh.folder, "body.md");
    writeFileSync(file, body);
    const { status, stderr } = spawnSync("scripts/ci/preview/comment.sh", ["17", file], {
      env: { ...gh.env, GH_REPO: "palindrom/monitoring" },
      encoding: "utf8",
    });
    return { status, stderr, file, writes: gh.calls().filter((call) => / -X /.test(call)) };
  };
  const bot = (id: number, body: string) => ({ id, body, user: { login: "github-actions[bot]" } });

  it("writes a comment where there is none", () => {
    const { writes, file } = run([[]]);
    expect(writes).toEqual([
      `gh api --silent -X POST repos/palindrom/monitoring/issues/17/comments -F body=@${file}`,
    ]);
  });

  it("edits its earlier comment, also one on a later page", () => {
    const { writes } = run([[bot(1, "another workflow's")], [bot(2, `${marker}\nold`)]]);
    expect(writes).toHaveLength(1);
    expect(writes[0]).toContain("-X PATCH repos/palindrom/monitoring/issues/comments/2 ");
  });

  it("edits neither another stack's comment nor a person's that starts with the marker", {
    tags: "attack/ci",
  }, () => {
    const { writes } = run([
      [bot(1, "<!-- pulumi-preview:prod -->"), { id: 2, body: marker, user: { login: "mallory" } }],
    ]);
    expect(writes[0]).toContain("-X POST");
  });

  it("refuses a file without a marker", () => {
    const { status, stderr, writes } = run([[]], "### Preview");
    expect(status).toBe(2);
    expect(stderr).toMatch(/must be a marker.*### Preview/);
    expect(writes).toEqual([]);
  });
});

describe.skipIf(!hasJq)("issue.sh (needs jq)", () => {
  const run = (open: object[], drifted: string) => {
    const gh = fakeTool("gh", fixture("scripts/ci/issue/gh.sh"));
    writeFileSync(join(gh.folder, "issues"), JSON.stringify(open));
    const report = join(gh.folder, "drift.md");
    writeFileSync(report, "the report");
    const { status } = spawnSync("scripts/ci/drift/issue.sh", ["dev", drifted, report], {
      env: { ...gh.env, GH_REPO: "palindrom/monitoring", RUN_URL: "https://example.com/run/1" },
    });
    expect(status).toBe(0);
    const calls = gh.calls().slice(1);
    return { gh, calls: calls.filter((call) => !call.startsWith("gh label")) };
  };
  const ours = { number: 42, title: "Drift of dev" };
  const others = { number: 7, title: "Drift of prod" };

  it("opens the issue once", () => {
    expect(run([others], "true").calls[0]).toMatch(
      /^gh issue create --title Drift of dev --label drift --body-file /,
    );
  });
  it("updates the open one", () => {
    expect(run([others, ours], "true").calls).toEqual([
      expect.stringMatching(/^gh issue edit 42 --body-file /),
    ]);
  });
  it("closes it when the drift is gone, and does nothing where there is none", () => {
    expect(run([ours], "false").calls).toEqual([
      "gh issue close 42 --comment No drift any more: https://example.com/run/1",
    ]);
    expect(run([others], "false").calls).toEqual([]);
  });
  it("reports a comparison that failed, with its run, instead of an empty issue", () => {
    const { gh } = run([ours], "");
    expect(readFileSync(join(gh.folder, "body"), "utf8")).toContain("https://example.com/run/1");
  });
});

it("every script names its missing argument", () => {
  for (const script of [
    "preview/changed.sh",
    "preview/run.sh",
    "preview/publish.sh",
    "preview/capture.sh",
    "preview/comment.sh",
    "drift/compare.sh",
    "drift/issue.sh",
    "deploy/plan.sh",
    "deploy/apply.sh",
  ]) {
    const { status, stderr } = spawnSync(resolve("scripts/ci", script), { encoding: "utf8" });
    expect(status, script).not.toBe(0);
    expect(stderr, script).toMatch(/is missing/);
  }
});

describe("components.sh", () => {
  it.each([
    ["  monitoring:backend: gke\n", "gke-gcloud-auth-plugin,kubectl"],
    ['  monitoring:backend: "gke"\n', "gke-gcloud-auth-plugin,kubectl"],
    ["  monitoring:backend: vm\n", ""],
    ["  monitoring:org: gke\n", ""],
    ["  # monitoring:backend: gke\n", ""],
    ["", ""],
  ])("names what signs in to a cluster where there is one: %j", (line, components) => {
    const dir = scratchFolder("components");
    mkdirSync(join(dir, "scripts/ci"), { recursive: true });
    copyFileSync("scripts/ci/components.sh", join(dir, "scripts/ci/components.sh"));
    writeFileSync(join(dir, "Pulumi.dev.yaml"), `config:\n  gcp:zone: us-central1-a\n${line}`);
    const { stdout, status } = spawnSync(join(dir, "scripts/ci/components.sh"), ["dev"], {
      encoding: "utf8",
    });
    expect([stdout, status]).toEqual([`components=${components}\n`, 0]);
  });
});
