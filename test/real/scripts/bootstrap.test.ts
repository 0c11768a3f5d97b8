import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type ProgramRun, runProgram } from "../../../simulator/program";
import { fakeGithub } from "../../fakeGithub";
import { fakeTool, fixture } from "../../fakeTool";
import { stackNames } from "../../stackNames";

const args = [
  "--project",
  "acme-monitoring",
  "--repository",
  "acme/monitoring",
  "--repository-id",
  "4711",
];
const onGke = {
  backend: "gke",
  otlpHost: "otlp.example.com",
  dataLocations: ["us-central1"],
  kmsKey: "projects/acme-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
};
function project() {
  const fake = fakeTool("gcloud", fixture("scripts/bootstrap/gcloud.sh"));
  const github = fakeGithub();
  const run = (...more: string[]) => {
    const before = fake.calls().length;
    const result = spawnSync("scripts/bootstrap.sh", [...args, ...more], {
      env: {
        ...fake.env,
        PATH: `${github.folder}/bin:${fake.env.PATH}`,
        BOOTSTRAP_PAUSE_SECONDS: "0",
      },
      encoding: "utf8",
    });
    const calls = fake.calls().slice(before);
    const changes = calls.filter((call) =>
      / (create|create-oidc|update|update-oidc|undelete|enable|add-iam-policy-binding) /.test(call),
    );
    return { ...result, calls, changes };
  };
  return { ...fake, run };
}

describe("bootstrap.sh", () => {
  // One project lives through plan, first run, second run and a run after damage: each costs a second.
  const { run, folder } = project();
  const plan = run("--plan");
  const first = run();
  const second = run();
  const policy = join(folder, "_projects_acme_monitoring.policy");
  const granted = readFileSync(policy, "utf8").split("\n").filter(Boolean);
  const kept = granted.filter((line) => !line.includes("secretmanager.admin"));
  const preview = "serviceAccount:monitoring-preview@acme-monitoring.iam.gserviceaccount.com";
  writeFileSync(policy, `${kept.join("\n")}\n`);
  writeFileSync(join(folder, "_iam_workload_identity_pools_github.deleted"), "DELETED\n");
  writeFileSync(join(folder, "_iam_roles_monitoringPreview.deleted"), "");
  writeFileSync(join(folder, "late"), "");
  const healed = run();
  const strangers = {
    _projects_acme_monitoring: `roles/editor,${preview},`,
    _storage_buckets_gs___acme_monitoring_monitoring_state: `roles/storage.objectViewer,${preview},`,
    _kms_keys_pulumi: `roles/cloudkms.cryptoKeyDecrypter,${preview},`,
    _iam_service_accounts_monitoring_dev: `roles/iam.serviceAccountTokenCreator,${preview},`,
    _iam_service_accounts_monitoring_deploy:
      "roles/iam.workloadIdentityUser,principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/attribute.repository/acme/monitoring,",
  };
  for (const [thing, binding] of Object.entries(strangers))
    appendFileSync(join(folder, `${thing}.policy`), `${binding}\n`);
  const strange = run();
  const gke = project();
  const cluster = gke.run("--backend", "gke", "--kms-key", onGke.kmsKey);
  writeFileSync(
    join(gke.folder, "listed compute instances list"),
    "monitoring-dev\ngk3-monitoring-dev-pool-2-1a2b3c4d-x9z8\n",
  );
  appendFileSync(
    join(gke.folder, "listed storage buckets list"),
    "monitoring-dev-backups-1a2b3c4\n",
  );
  const clusterAgain = gke.run("--backend", "gke", "--kms-key", onGke.kmsKey);

  it("creates everything in an empty project, and a second run changes nothing", () => {
    expect(first.stderr).toBe("");
    expect(first.status).toBe(0);
    expect(first.changes.length).toBeGreaterThan(30);
    expect(second.stderr).toBe("");
    expect(second.status).toBe(0);
    // Both are harmless to repeat: the APIs' switch and the provider's mapping, which may have changed.
    expect(second.changes.map((call) => call.split(" ").slice(1, 5).join(" "))).toEqual([
      "services enable cloudkms.googleapis.com cloudresourcemanager.googleapis.com",
      "iam workload-identity-pools providers update-oidc",
    ]);
  });

  it("prints under --plan exactly what it then does, and does nothing", () => {
    expect(plan.changes).toEqual([]);
    expect(plan.stdout).toContain("Nothing was changed (--plan).");
    const planned = plan.stdout.split("\n").filter((line) => line.startsWith("+ "));
    expect(planned.map((line) => line.slice(2).replaceAll("\\", ""))).toEqual(first.changes);
  });

  it("heals a lost grant, and only that one, also when IAM does not know the account yet", () =>
    expect([
      ...new Set(healed.changes.filter((call) => call.includes("add-iam-policy-binding"))),
      healed.status,
    ]).toEqual([
      'gcloud projects add-iam-policy-binding acme-monitoring --condition=expression=resource.name.startsWith("projects/123456789012/secrets/monitoring-"),title=secrets --role=roles/secretmanager.admin --member=serviceAccount:monitoring-deploy@acme-monitoring.iam.gserviceaccount.com',
      0,
    ]));

  it("brings a deleted pool back, since its name is taken for 30 days", () =>
    expect(healed.changes.some((call) => call.includes("undelete github"))).toBe(true));

  it("brings a deleted role back, which would give nothing", () =>
    expect(healed.changes).toContain(
      "gcloud iam roles undelete monitoringPreview --project=acme-monitoring",
    ));

  it.each(Object.entries(strangers))(
    "names a grant on %s that the table does not have, leaves it and fails",
    {
      tags: "attack/ci",
    },
    (thing, binding) => {
      const [role, member] = binding.split(",");
      expect(strange.stderr).toContain(`${member} also has ${role}`);
      expect(strange.status).toBe(1);
      expect(readFileSync(join(folder, `${thing}.policy`), "utf8")).toContain(binding);
    },
  );

  it("refuses a bucket of another project, which anybody may make under our name", {
    tags: "attack/ci",
  }, () => {
    const { run, folder } = project();
    writeFileSync(join(folder, "_storage_buckets_gs___acme_monitoring_monitoring_state"), "");
    const { status, stderr, changes } = run();
    expect(stderr).toMatch(/monitoring-state belongs to another project/);
    expect([status, changes]).toEqual([1, []]);
  });

  it("refuses another place than the one where the state lies, since a key ring cannot be deleted", () => {
    const { run, folder } = project();
    expect(run().status).toBe(0);
    writeFileSync(join(folder, "location"), "EUROPE-WEST3");
    const { status, stderr, changes } = run();
    expect(stderr).toMatch(/lies in europe-west3.*run with --location europe-west3/);
    expect([status, changes]).toEqual([1, []]);
    expect(run("--location", "europe-west3").stderr).not.toMatch(/lies in/);
  });

  it("stops at an error that is not `not found`, before it changes anything", () => {
    const { run, folder } = project();
    writeFileSync(join(folder, "broken"), "");
    const { status, stderr, changes } = run();
    expect(status).toBe(1);
    expect(stderr).toMatch(/PERMISSION_DENIED[\s\S]*gcloud auth login/);
    expect(changes).toEqual([]);
  });

  it("takes the digits 404 of a number or a name for no answer of `not found`", () => {
    const { run, folder } = project();
    writeFileSync(join(folder, "denied secrets list"), "123404567890");
    const google = run();
    expect(google.stderr).toMatch(/denied on resource project 123404567890[\s\S]*could not read/);
    expect([google.status, google.changes]).toEqual([1, []]);

    const gh = fakeTool("gh", "echo 'gh: Forbidden (HTTP 403) for acme/site-404' >&2; exit 1");
    const { env } = fakeTool("gcloud", fixture("scripts/bootstrap/gcloud.sh"));
    const { status, stderr } = spawnSync("scripts/bootstrap.sh", args, {
      env: { ...env, PATH: `${gh.folder}/bin:${env.PATH}` },
      encoding: "utf8",
    });
    expect(stderr).toMatch(/could not read acme\/monitoring/);
    expect(status).toBe(1);
  });

  it("gives the preview identity no secret, no key and no state, and nobody a basic role", () => {
    const grants = first.changes.filter(
      (call) =>
        call.includes("add-iam-policy-binding") && call.includes("serviceAccount:monitoring-"),
    );
    const preview = grants
      .filter((call) => call.includes("monitoring-preview@"))
      .map((call) => /--role=(\S+)/.exec(call)?.[1]);
    expect(preview).toEqual([
      "roles/storage.objectViewer",
      "projects/acme-monitoring/roles/monitoringPreview",
    ]);
    expect(grants.filter((call) => /roles\/(owner|editor|viewer)\b/.test(call))).toEqual([]);
    const drift = grants.filter((call) => call.includes("monitoring-drift@"));
    expect(
      drift.filter((call) =>
        /[aA]dmin|objectUser|crypto|secretAccessor|monitoring-state/.test(
          call.replace(/--member=.*/, ""),
        ),
      ),
    ).toEqual([]);
    const role = first.changes.find((call) => call.includes("roles create monitoringPreview"));
    expect(role).toMatch(
      /--permissions=compute\.regions\.get,compute\.regions\.list,compute\.zones/,
    );
    expect(role).not.toMatch(/--permissions=\S*(instances|serial|metadata|secret)/i);
  });

  it("grants for one thing where Google can, and keeps no old copy for previews", () => {
    const deploy = first.changes.filter((call) =>
      call.includes("=serviceAccount:monitoring-deploy@"),
    );
    const byRole = (role: string) =>
      deploy.filter((call) => call.includes(`--role=roles/${role} `));
    expect(byRole("iam.serviceAccountUser")).toEqual([
      expect.stringContaining("service-accounts add-iam-policy-binding monitoring-dev@"),
    ]);
    expect(byRole("secretmanager.admin")[0]).toContain(
      "--condition=expression=resource.name.starts",
    );
    expect(byRole("iap.tunnelResourceAccessor")[0]).toContain("destination.port == 8080");
    expect(
      deploy.filter((call) => /serviceAccountAdmin|TokenCreator|roles\/owner/.test(call)),
    ).toEqual([]);
    expect(first.changes).toContain(
      "gcloud storage buckets update gs://acme-monitoring-monitoring-preview --no-versioning --clear-soft-delete",
    );
  });

  it("refuses a stack whose VM would have a workflow's account", () => {
    for (const stack of ["deploy", "drift", "plan", "preview"])
      expect(project().run("--stack", stack).stderr).toMatch(/name of a workflow's identity/);
  });

  it.each<[string, string[], ProgramRun["config"]]>([
    [
      "vm",
      first.changes,
      {
        signozUsers: ["user:lead@example.com"],
        personalKeyEmails: ["dana@example.com"],
        otlpHost: "otlp.example.com",
        dnsZone: "example-com",
        dataLocations: ["us-central1"],
      },
    ],
    ["gke", cluster.changes, onGke],
  ])(
    "lets the deploy identity manage every kind of resource that the program makes, backend %s",
    async (_, changes, config) => {
      const roles: [RegExp, string][] = [
        [
          /^gcp:compute\/(instance|disk|resourcePolicy|diskResourcePolicyAttachment):/,
          "compute.instanceAdmin.v1",
        ],
        [/^gcp:compute\/snapshotSettings:/, "monitoringSnapshotPlace"],
        [/^gcp:compute\/(network|subnetwork|address|router|routerNat):/, "compute.networkAdmin"],
        [/^gcp:compute\/firewall:/, "compute.securityAdmin"],
        [/^gcp:secretmanager\//, "secretmanager.admin"],
        // Made by bootstrap; the program finds it there.
        [/^gcp:serviceaccount\/account:/, "iam.serviceAccountUser"],
        [/^gcp:iap\//, "iap.admin"],
        [/^gcp:projects\/service:/, "serviceusage.serviceUsageAdmin"],
        [/^gcp:dns\//, "dns.admin"],
        [/^gcp:container\//, "container.clusterAdmin"],
        [/^gcp:storage\//, "monitoringBackups"],
        [/^kubernetes:/, "container.developer"],
      ];
      vi.resetModules();
      const { resources } = await runProgram({ config });
      const types = new Set(
        resources.map(({ type }) => type).filter((type) => /^(gcp|kubernetes):/.test(type)),
      );
      expect(types.size).toBeGreaterThan(12);
      const granted = changes.filter((call) => call.includes("monitoring-deploy@"));
      for (const type of types) {
        const role = roles.find(([pattern]) => pattern.test(type))?.[1];
        expect(role, `${type}: which role manages it?`).toBeDefined();
        expect(
          granted.some((call) => call.includes(`roles/${role} `)),
          `${type}: ${role}`,
        ).toBe(true);
      }
    },
  );

  it("grants for a cluster what a VM does not need, and no more", () => {
    const grants = (changes: string[]) =>
      changes
        .filter((call) => call.includes("add-iam-policy-binding"))
        .map((call) => {
          const [, role] = /--role=(?:\S*\/)?roles\/(\S+)/.exec(call) ?? [];
          const [, member] = /--member=serviceAccount:(\S+)/.exec(call) ?? [];
          const where = /gcloud (\w+ ?\w*)/.exec(call)?.[1];
          return `${where} ${role} ${member?.replace(/@acme.*/, "")}`;
        });
    const ofVm = grants(first.changes);
    const agent = (name: string) =>
      `kms keys cloudkms.cryptoKeyEncrypterDecrypter service-123456789012@${name}.iam.gserviceaccount.com`;
    expect(grants(cluster.changes).filter((one) => !ofVm.includes(one))).toEqual([
      "projects add container.defaultNodeServiceAccount monitoring-dev",
      "projects add container.viewer monitoring-drift",
      "projects add monitoringBackupsView monitoring-drift",
      "projects add container.clusterAdmin monitoring-deploy",
      "projects add container.developer monitoring-deploy",
      "projects add monitoringNewBucket monitoring-deploy",
      "projects add monitoringBackups monitoring-deploy",
      agent("compute-system"),
      agent("gcp-sa-secretmanager"),
      agent("container-engine-robot"),
      agent("gs-project-accounts"),
    ]);
    expect(ofVm.filter((one) => !grants(cluster.changes).includes(one))).toEqual([]);
    for (const call of cluster.changes.filter((call) => /monitoringBackups/.test(call)))
      expect(call).toMatch(
        /roles (create|update)|startsWith\("projects\/_\/buckets\/monitoring-dev-backups-"\)/,
      );
    const objects = cluster.changes.filter((call) => /--permissions=\S*objects/.test(call));
    expect(objects).toEqual([]);
  });

  it("asks for Google's own accounts before it grants to them, and takes a cluster's nodes for its own", () => {
    const at = (call: RegExp) => cluster.changes.findIndex((one) => call.test(one));
    for (const service of ["compute", "secretmanager", "container"])
      expect(at(new RegExp(`identity create --service=${service}.googleapis.com`))).toBeGreaterThan(
        at(new RegExp(`services enable ${service}.googleapis.com`)),
      );
    expect(at(/add-iam-policy-binding projects\/acme-kms/)).toBeGreaterThan(at(/identity create/));
    expect([clusterAgain.stderr, clusterAgain.status]).toEqual(["", 0]);
    expect(
      clusterAgain.changes.filter((call) => !/services |providers update-oidc/.test(call)),
    ).toEqual([]);
  });

  it("binds identities to this repository's number and to what runs, not to who asks", () => {
    const provider = first.changes.find((call) => call.includes("create-oidc")) ?? "";
    expect(provider).toContain('--attribute-condition=assertion.repository_id == "4711"');
    expect(provider).toContain(
      'assertion.ref == "refs/heads/main" && assertion.sub.endsWith(":environment:dev") ? "deploy"',
    );
    expect(provider).toContain(
      'assertion.workflow_ref.startsWith(assertion.repository + "/.github/workflows/preview.yml@") ? "preview"',
    );
    // GitHub takes the name in any case, and an old one too; the token names the present one.
    expect(provider).not.toContain("acme/monitoring");
    expect(provider).not.toMatch(/attribute\.identity=[^,]*,[^-]/);
  });

  it.each([
    [" compute instances list", "web-1", /holds other things: VM web-1/],
    [" iam service-accounts list", "ci@acme-monitoring.iam.gserviceaccount.com", /account ci@acme/],
    [" storage buckets list", "acme-monitoring-backups", /bucket acme-monitoring-backups/],
    [" secrets list", "projects/1/secrets/billing-key", /secret billing-key/],
  ])("refuses a project that is not its own:%s", (list, found, message) => {
    const { run, folder } = project();
    writeFileSync(join(folder, `listed${list}`), `monitoring-dev\n${found}\n`);
    const { status, stderr, changes } = run();
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
    expect(changes).toEqual([]);
  });

  it("refuses a project whose default account edits it", () => {
    const { run, folder } = project();
    writeFileSync(
      join(folder, "_projects_acme_monitoring.policy"),
      "roles/editor,serviceAccount:123456789012-compute@developer.gserviceaccount.com,\n",
    );
    const { status, stderr, changes } = run();
    expect(stderr).toMatch(
      /is an editor of acme-monitoring: gcloud projects remove-iam-policy-binding/,
    );
    expect([status, changes]).toEqual([1, []]);
  });

  it.each([
    ["compute.vmExternalIpAccess", "DENY", 1],
    ["compute.disableGuestAttributesAccess", "\tTrue", 1],
    ["compute.vmExternalIpAccess", "ALLOW", 0],
    ["compute.disableGuestAttributesAccess", "", 0],
  ])("an organisation's policy %s %j: exit %i", (policy, found, code) => {
    const { run, folder } = project();
    const file = `_resource_manager_org_policies_${policy.replace(".", "_")}`;
    writeFileSync(join(folder, file), `${found}\n`);
    const { status, stderr, changes } = run();
    expect(stderr.includes(`policy ${policy} is in force for acme-monitoring`)).toBe(code === 1);
    expect(status).toBe(code);
    expect(changes.length > 0).toBe(code === 0);
  });

  it.each([
    [["--project", "Bad_Project"], /--project must be a project id.*'Bad_Project'/],
    [["--repository", "no-slash"], /--repository must be OWNER\/NAME.*'no-slash'/],
    [["--repository-id", "acme"], /gh api repos\/acme\/monitoring --jq \.id.*'acme'/],
    [["--stack", "a b"], /--stack must be.*'a b'/],
    [["--backend", "gce"], /--backend must be vm, cloud or gke, got 'gce'/],
    [["--kms-key", "data"], /--kms-key must be projects.*'data'/],
    [["--bogus"], /unknown argument --bogus/],
    [["--location"], /--location needs a value/],
  ])("refuses %j before any call", (more, message) => {
    const { status, stderr, calls } = project().run(...more);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(calls).toEqual([]);
  });

  it("takes the stack names that the program takes", () => {
    const refused = ({ stderr }: { stderr: string }) => /--stack must be/.test(stderr);
    const { taken, refused: bad } = stackNames;
    expect(taken.filter((stack) => refused(project().run("--plan", "--stack", stack)))).toEqual([]);
    expect(bad.filter((stack) => !refused(project().run("--stack", stack)))).toEqual([]);
  });

  it("explains itself", () => {
    const { stdout } = spawnSync("scripts/bootstrap.sh", ["--help"], { encoding: "utf8" });
    expect(stdout).toContain("project of its own");
    expect(stdout).toMatch(/Usage: bootstrap\.sh --project PROJECT/);
    expect(stdout).not.toContain("set -e");
  });

  it("makes what the workflows use", () => {
    for (const file of ["preview", "deploy", "drift"]) {
      const text = readFileSync(`.github/workflows/${file}.yml`, "utf8");
      for (const [, account] of text.matchAll(/monitoring-(\w+)@/g))
        expect(
          first.changes.some((call) =>
            call.includes(`service-accounts create monitoring-${account} `),
          ),
          `${file}: ${account}`,
        ).toBe(true);
      for (const [, bucket] of text.matchAll(
        /gs:\/\/\$(?:\{\{ vars\.GCP_PROJECT \}\}|GCP_PROJECT)-(monitoring-\w+)/g,
      ))
        expect(
          first.changes.some((call) =>
            call.includes(`buckets create gs://acme-monitoring-${bucket} `),
          ),
          file,
        ).toBe(true);
    }
    expect(existsSync(".github/workflows/preview.yml")).toBe(true);
  });
});
