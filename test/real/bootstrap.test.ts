import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeGithub } from "../fakeGithub";
import { type GoogleApi, serveGoogle } from "./google";
import { hasGcloud } from "./parts/gcloud";

describe.skipIf(!hasGcloud)("bootstrap.sh with the real gcloud (needs gcloud)", () => {
  let google: GoogleApi;
  const github = fakeGithub();
  const config = mkdtempSync(join(tmpdir(), "gcloud-"));
  beforeAll(async () => {
    google = await serveGoogle();
    // Two of the project's grants are enough to make; a start of gcloud takes a second.
    const grants = readFileSync("scripts/bootstrap/grants.sh", "utf8").matchAll(
      /^ {2}"(\w+)\|project\|(roles\/[\w./]+)\|[^|]*\|"/gm,
    );
    const bindings = [...grants].slice(2).map(([, identity, role]) => ({
      role,
      members: [`serviceAccount:monitoring-${identity}@acme-monitoring.iam.gserviceaccount.com`],
    }));
    google.seed("projects/acme-monitoring#policy", { version: 1, etag: "ACAB", bindings });
  });
  afterAll(() => {
    google?.close();
    rmSync(config, { recursive: true, force: true });
  });

  const bootstrap = (...more: string[]) =>
    new Promise<{ failed: boolean; output: string; lines: string[] }>((resolve) => {
      const args = ["--project", "acme-monitoring", "--repository", "acme/monitoring"];
      execFile(
        "scripts/bootstrap.sh",
        [...args, "--repository-id", "4711", ...more],
        {
          env: {
            ...google.env,
            PATH: `${github.folder}/bin:${google.env.PATH}`,
            CLOUDSDK_CONFIG: config,
          },
          timeout: 400_000,
        },
        (error, stdout, stderr) =>
          resolve({
            failed: error !== null,
            output: stdout + stderr,
            lines: stdout.split("\n"),
          }),
      );
    });

  it("creates what is missing, and then finds it all by what gcloud prints", async () => {
    const first = await bootstrap();
    expect(first.failed, first.output).toBe(false);
    expect(google.strangers).toEqual([]);
    for (const line of first.lines.filter((line) => line.startsWith("  exists: ")))
      expect(line).toMatch(/: roles\/[\w.]+ for (serviceAccount:|\S+iam\.gserviceaccount\.com)/);
    const writes = google.writes.length;
    expect(writes).toBeGreaterThan(20);
    const role = "projects/acme-monitoring/roles/monitoringNewSecret";
    google.seed(role, { ...google.thing(/monitoringNewSecret$/), deleted: true });

    const second = await bootstrap("--plan");
    expect(second.failed, second.output).toBe(false);
    const planned = second.lines.filter((line) => line.startsWith("+ "));
    expect(
      planned.map((line) => line.split(" ").slice(2, 6).join(" ").replace(/ --.*/, "")),
    ).toEqual([
      "services enable cloudkms.googleapis.com cloudresourcemanager.googleapis.com",
      "iam roles undelete monitoringNewSecret",
      "iam workload-identity-pools providers update-oidc",
    ]);
    expect(google.writes.length).toBe(writes);
  }, 900_000);

  it("refuses a project whose organisation forbids what the stack needs, as gcloud tells it", async () => {
    const forbidden = {
      "constraints/compute.vmExternalIpAccess": { listPolicy: { allValues: "DENY" } },
      "constraints/compute.disableGuestAttributesAccess": { booleanPolicy: { enforced: true } },
    };
    for (const [constraint, policy] of Object.entries(forbidden))
      google.seed(constraint, { constraint, ...policy });
    const { failed, output } = await bootstrap("--plan");
    expect(failed).toBe(true);
    for (const constraint of Object.keys(forbidden))
      expect(output).toContain(
        `policy ${constraint.replace("constraints/", "")} is in force for acme-monitoring`,
      );
  }, 900_000);

  it("binds the pool to the repository, and the state to versions that nobody may make public", () => {
    const provider = google.thing(/providers\/actions$/);
    expect(provider?.attributeCondition).toBe('assertion.repository_id == "4711"');
    expect(provider?.attributeMapping).toMatchObject({
      "google.subject": "assertion.sub",
      "attribute.identity": expect.stringContaining('endsWith(":environment:dev") ? "deploy"'),
    });
    expect(google.thing(/^b\/acme-monitoring-monitoring-state$/)).toMatchObject({
      versioning: { enabled: true },
      iamConfiguration: {
        publicAccessPrevention: "enforced",
        uniformBucketLevelAccess: { enabled: true },
      },
    });
    expect(google.thing(/cryptoKeys\/pulumi$/)).toMatchObject({
      purpose: "ENCRYPT_DECRYPT",
      rotationPeriod: "7776000s",
    });
  });
});
