import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeTool, scratchFolder } from "../fakeTool";

describe("compare.sh", () => {
  const day = 24 * 3600 * 1000;
  const update = {
    op: "update",
    urn: "urn:pulumi:dev::monitoring::gcp:compute/firewall:Firewall::fw",
    newState: {
      type: "gcp:compute/firewall:Firewall",
      inputs: { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["4317"] }] },
    },
  };
  /** A checkout of its own, since a preview against stand-ins changes the stack file while it runs. */
  const checkout = () => {
    const dir = scratchFolder("checkout");
    cpSync("scripts", join(dir, "scripts"), { recursive: true });
    cpSync("policy", join(dir, "policy"), { recursive: true });
    cpSync("package.json", join(dir, "package.json"));
    symlinkSync(resolve("node_modules"), join(dir, "node_modules"));
    writeFileSync(join(dir, "Pulumi.dev.yaml"), "config: {}\n");
    return dir;
  };
  const version = "gcp:secretmanager/secretVersion:SecretVersion";
  const run = (preview: string, certificateDays: number, exit = 0, secret = "echo enabled") => {
    const pulumi = fakeTool(
      "pulumi",
      `case "$1" in preview) cat "$STATE/preview"; echo "said on stderr" >&2; exit ${exit} ;; esac`,
    );
    const gcloud = fakeTool("gcloud", `echo 'WARNING: a newer gcloud is there' >&2; ${secret}`);
    const end = new Date(Date.now() + (certificateDays + 0.5) * day).toISOString();
    const type = "tls:index/locallySignedCert:LocallySignedCert";
    const resources = [
      { type, outputs: { validityEndTime: end } },
      { type: version, outputs: { name: "projects/1/secrets/x/versions/1" } },
    ];
    const dir = checkout();
    writeFileSync(join(pulumi.folder, "preview"), preview);
    writeFileSync(join(dir, "state.json"), JSON.stringify({ deployment: { resources } }));
    const { stdout } = spawnSync(
      join(dir, "scripts/ci/drift/compare.sh"),
      ["dev", join(dir, "state.json"), join(dir, "out/drift.md")],
      {
        env: { ...pulumi.env, PATH: `${gcloud.folder}/bin:${pulumi.env.PATH}` },
        encoding: "utf8",
        cwd: dir,
      },
    );
    const calls = [...pulumi.calls(), ...gcloud.calls()];
    return { stdout, calls, report: readFileSync(join(dir, "out/drift.md"), "utf8") };
  };

  it.each([
    ["nothing differs", "{}", 300, 0, "false", /no changes[\s\S]*Certificate: 300 days left/],
    ["a resource differs", JSON.stringify({ steps: [update] }), 300, 0, "true", /1 to update/],
    ["the certificate ends soon", "{}", 5, 0, "true", /\*\*Certificate\*\*: 5 days left/],
    [
      "the preview failed without a word in its JSON",
      "{}",
      300,
      255,
      "true",
      /failed[\s\S]*said on stderr/,
    ],
  ])("when %s", (_, preview, days, exit, drifted, text) => {
    const { stdout, report } = run(preview, days, exit);
    expect(stdout).toBe(`drifted=${drifted}\n`);
    expect(report).toMatch(text);
  });

  it.each([
    ["is disabled", "echo 'DISABLED `x`'", "DISABLED x"],
    ["is gone", "echo 'ERROR: NOT_FOUND' >&2; exit 1", "gcloud is thereERROR: NOT_FOUND"],
  ])("names a secret's version that %s, and opens none", (_, secret, told) => {
    const { stdout, report, calls } = run("{}", 300, 0, secret);
    expect(stdout).toBe("drifted=true\n");
    expect(report).toContain(`\`projects/1/secrets/x/versions/1\`: `);
    expect(report).toContain(`${told}; it should be enabled`);
    expect(calls.filter((call) => /access|--show-secrets/.test(call))).toEqual([]);
    const refresh = calls.find((call) => call.startsWith("pulumi refresh"));
    for (const type of [version, "kubernetes:core/v1:Secret"])
      expect(refresh).toContain(`--exclude **${type}::**`);
  });
});
