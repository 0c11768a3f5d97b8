import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeTool, fixture } from "../fakeTool";

const hasJq = spawnSync("jq", ["--version"]).status === 0;

/** What GitHub's API answers for a repository that is protected as it must be, by path (docs.github.com/rest). */
const whole = () => ({
  "": { id: 4711 } as object,
  ...Object.fromEntries(
    ["dev", "dev-plan", "dev-drift"].map((name) => [
      `/environments/${name}/deployment-branch-policies`,
      { total_count: 1, branch_policies: [{ id: 1, name: "main", type: "branch" }] } as object,
    ]),
  ),
  "/environments/dev": {
    can_admins_bypass: false,
    protection_rules: [
      { type: "branch_policy" },
      { type: "required_reviewers", prevent_self_review: true, reviewers: [{ type: "Team" }] },
    ],
  } as object,
  "/rules/branches/main": [
    { type: "deletion", ruleset_id: 9 },
    { type: "non_fast_forward", ruleset_id: 9 },
    {
      type: "pull_request",
      ruleset_id: 9,
      parameters: {
        required_approving_review_count: 1,
        require_code_owner_review: true,
        dismiss_stale_reviews_on_push: true,
        require_last_push_approval: true,
      },
    },
    {
      type: "required_status_checks",
      ruleset_id: 9,
      parameters: { required_status_checks: [{ context: "judge" }, { context: "whole" }] },
    },
  ] as object,
  "/rulesets/9": { bypass_actors: [] } as object,
  "/codeowners/errors": { errors: [] } as object,
  "/contents/.github/CODEOWNERS": "# owners\n* @acme/platform\n" as object | string,
});

/** A gh that holds these answers and runs the real jq over them, as gh does. */
function bootstrap(answers: Record<string, unknown>) {
  const gh = fakeTool("gh", fixture("real/protection/gh.sh"));
  for (const [path, answer] of Object.entries(answers)) {
    const file = join(gh.folder, `api${path}`, "answer");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof answer === "string" ? answer : JSON.stringify(answer));
  }
  const gcloud = fakeTool("gcloud", fixture("real/protection/gcloud.sh"));
  const args = ["--project", "acme-monitoring", "--repository", "acme/monitoring"];
  const { status, stderr } = spawnSync(
    "scripts/bootstrap.sh",
    [...args, "--repository-id", "4711", "--plan"],
    { env: { ...gh.env, PATH: `${gcloud.folder}/bin:${gh.env.PATH}` }, encoding: "utf8" },
  );
  return { status, stderr };
}

describe.skipIf(!hasJq)("bootstrap.sh looks at the repository (needs jq)", () => {
  it("and goes on where it is protected", () =>
    expect(bootstrap(whole())).toEqual({ status: 0, stderr: "" }));

  it("also where another ruleset, which somebody may pass, asks for more", () => {
    const answers = whole();
    const more = { type: "required_signatures", ruleset_id: 10 };
    Object.assign(answers, { "/rulesets/10": { bypass_actors: [{ actor_id: 5 }] } });
    (answers["/rules/branches/main"] as object[]).push(more);
    expect(bootstrap(answers)).toEqual({ status: 0, stderr: "" });
  });

  type Answers = ReturnType<typeof whole>;
  const rules = (answers: Answers) =>
    answers["/rules/branches/main"] as { type: string; parameters: Record<string, unknown> }[];
  const parameters = (answers: Answers, type: string) =>
    rules(answers).find((rule) => rule.type === type)?.parameters ?? {};
  const without = (answers: Answers, type: string) => {
    answers["/rules/branches/main"] = rules(answers).filter((rule) => rule.type !== type);
  };
  const dev = (answers: Answers) =>
    answers["/environments/dev"] as {
      can_admins_bypass: boolean;
      protection_rules: Record<string, unknown>[];
    };

  it.each<[string, (answers: Answers) => void, RegExp]>([
    ["another repository's number", (it) => Object.assign(it[""], { id: 1 }), /has the number '1'/],
    [
      "no environment for the plan",
      (it) => delete it["/environments/dev-plan/deployment-branch-policies" as keyof Answers],
      /environment dev-plan must let the branch main in/,
    ],
    [
      "an environment for every branch",
      (it) =>
        Object.assign(
          it["/environments/dev-drift/deployment-branch-policies" as keyof Answers] as object,
          { branch_policies: [] },
        ),
      /environment dev-drift must let/,
    ],
    [
      "an environment for a tag called main",
      (it) =>
        Object.assign(
          it["/environments/dev-plan/deployment-branch-policies" as keyof Answers] as object,
          { branch_policies: [{ name: "main", type: "tag" }] },
        ),
      /lets in: tag main/,
    ],
    [
      "an environment for more branches",
      (it) =>
        Object.assign(
          it["/environments/dev/deployment-branch-policies" as keyof Answers] as object,
          { branch_policies: [{ name: "main" }, { name: "feature/*" }] },
        ),
      /lets in: branch main,branch feature/,
    ],
    [
      "no reviewers",
      (it) => Object.assign(dev(it), { protection_rules: [] }),
      /must have required reviewers/,
    ],
    [
      "an empty list of reviewers",
      (it) => Object.assign(dev(it).protection_rules[1] ?? {}, { reviewers: [] }),
      /must have required reviewers/,
    ],
    [
      "reviewers who approve their own",
      (it) => Object.assign(dev(it).protection_rules[1] ?? {}, { prevent_self_review: false }),
      /prevent self-review/,
    ],
    [
      "administrators who pass",
      (it) => Object.assign(dev(it), { can_admins_bypass: true }),
      /not let administrators pass/,
    ],
    [
      "no ruleset",
      (it) => Object.assign(it, { "/rules/branches/main": [] }),
      /a ruleset for main must require/,
    ],
    [
      "no pull request",
      (it) => without(it, "pull_request"),
      /in this order\): false,true,true,true/,
    ],
    [
      "no approval",
      (it) => Object.assign(parameters(it, "pull_request"), { required_approving_review_count: 0 }),
      /: false,true,true,true/,
    ],
    [
      "no code owners' review",
      (it) => Object.assign(parameters(it, "pull_request"), { require_code_owner_review: false }),
      /: false,true,true,true/,
    ],
    [
      "approvals that outlive a push",
      (it) =>
        Object.assign(parameters(it, "pull_request"), { dismiss_stale_reviews_on_push: false }),
      /: false,true,true,true/,
    ],
    [
      "somebody who approves the own push to another's pull request",
      (it) => Object.assign(parameters(it, "pull_request"), { require_last_push_approval: false }),
      /: false,true,true,true/,
    ],
    [
      "rules that are not required",
      (it) =>
        Object.assign(parameters(it, "required_status_checks"), {
          required_status_checks: [{ context: "whole" }],
        }),
      /: true,false,true,true/,
    ],
    ["force pushes", (it) => without(it, "non_fast_forward"), /: true,true,false,true/],
    ["a branch that may be deleted", (it) => without(it, "deletion"), /: true,true,true,false/],
    [
      "somebody who passes the rules",
      (it) => Object.assign(it["/rulesets/9"], { bypass_actors: [{ actor_id: 5 }] }),
      /: false,false,false,false, without the rulesets 9, whose bypass list/,
    ],
    [
      "a list of who passes that is not shown, as an organisation's",
      (it) => delete (it["/rulesets/9"] as { bypass_actors?: object[] }).bypass_actors,
      /without the rulesets 9, whose bypass list is not empty or not shown/,
    ],
    [
      "no CODEOWNERS",
      (it) => delete (it as Partial<Answers>)["/contents/.github/CODEOWNERS"],
      /must give every file an owner/,
    ],
    [
      "owners of a part only",
      (it) => Object.assign(it, { "/contents/.github/CODEOWNERS": "/infra/ @acme/platform\n" }),
      /must give every file an owner/,
    ],
    [
      "a file without an owner",
      (it) => Object.assign(it, { "/contents/.github/CODEOWNERS": "* @acme/platform\n/policy/\n" }),
      /a line without an owner/,
    ],
    [
      "an owner who is only named in a comment",
      (it) =>
        Object.assign(it, {
          "/contents/.github/CODEOWNERS": "* @acme/platform\n/policy/ # was @acme/platform\n",
        }),
      /a line without an owner/,
    ],
    [
      "an owner who does not exist",
      (it) => Object.assign(it["/codeowners/errors"], { errors: [{ kind: "Unknown owner" }] }),
      /has 1 error/,
    ],
  ])("and refuses %s", { tags: "attack/ci" }, (_, spoil, message) => {
    const answers = whole();
    spoil(answers);
    const { status, stderr } = bootstrap(answers);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("nothing was changed");
    expect(status).toBe(1);
  });
});
