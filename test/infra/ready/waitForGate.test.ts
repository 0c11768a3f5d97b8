import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Certificate, issueCertificate } from "../../../simulator/certificate.js";
import type { Gate } from "../../../simulator/chain/gate.js";
import { startReceiver } from "../../../simulator/chain/receiver.js";
import { freePort } from "../../../simulator/freePort";

const script = join(__dirname, "../../../infra/ready/wait-for-gate.sh");
const host = "10.113.0.203.bc.googleusercontent.com";
const key = "the-newest-key-0123456789";
const digest = "d1";

const curlHasHttp2 = (): boolean => {
  try {
    return /\bHTTP2\b/.test(execFileSync("curl", ["--version"], { encoding: "utf8" }));
  } catch {
    return false;
  }
};

describe.skipIf(!curlHasHttp2())(
  "wait-for-gate.sh (skipped without a curl that speaks HTTP/2)",
  () => {
    let certificate: Certificate;
    let gate: Gate;
    let home: string;

    beforeAll(async () => {
      certificate = await issueCertificate([host]);
      gate = await startReceiver(certificate.pem, [key]);
    });
    afterAll(() => gate.stop());

    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), "wait-for-gate-"));
      mkdirSync(join(home, "bin"));
      return () => rmSync(home, { recursive: true, force: true });
    });

    /** gcloud as an operator has it: `says` is a line of shell; null leaves it out. */
    const run = ({
      says,
      port = gate.port,
      ...environment
    }: { says: string | null; port?: number } & Record<string, unknown>) => {
      const gcloud = join(home, "bin/gcloud");
      if (says !== null) {
        writeFileSync(gcloud, `#!/bin/sh\necho "$@" >>"$HOME/asked"\n${says}\n`);
        chmodSync(gcloud, 0o755);
      }
      for (const tool of [
        "bash",
        "sh",
        "curl",
        "sed",
        "cat",
        "mktemp",
        "rm",
        "dirname",
        "sleep",
        "tail",
        "tr",
        "grep",
        "timeout",
      ])
        symlinkTool(tool, join(home, "bin", tool));
      writeFileSync(join(home, ".curlrc"), `connect-to = "::127.0.0.1:${port}"\n`);
      return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
        const child = execFile(
          "bash",
          [script],
          {
            env: {
              PATH: join(home, "bin"),
              HOME: home,
              TMPDIR: home,
              GATE_HOST: host,
              GATE_PORT: "4317",
              GATE_ADDRESS: "203.0.113.10",
              GATE_CA_CERTIFICATE: certificate.ca,
              GATE_KEY: key,
              GATE_DIGEST: digest,
              GATE_PROJECT: "a-project",
              GATE_ZONE: "us-central1-a",
              GATE_INSTANCE: "monitoring-dev",
              GATE_TIMEOUT_MINUTES: "0",
              ...environment,
            },
          },
          (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
        );
      });
    };

    const attributes = (applied: string, stage = "probe done", error = "") =>
      `printf '%s\\n' 'stage=${stage}' 'applied=${applied}' 'error=${error}'`;

    it("ends well once the gate accepts the key and the VM has applied the digest", async () => {
      const { code, stdout, stderr } = await run({ says: attributes(digest) });
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(stdout).toBe("gate: accepted; VM: probe done\n");
    });

    it("ends well by the gate alone where nobody can ask the VM", async () => {
      expect((await run({ says: null })).code).toBe(0);
      expect((await run({ says: "echo 'Permission denied' >&2; exit 1" })).code).toBe(0);
    });

    it("waits while the VM still has to apply the digest, and names its stage in the end", async () => {
      const { code, stderr } = await run({
        says: attributes("d0", "images failed", "pull refused"),
      });
      expect(code).toBe(1);
      expect(stderr).toContain("VM monitoring-dev: stage images failed, pull refused");
      expect(stderr).toContain(
        "gcloud compute instances get-serial-port-output monitoring-dev --project=a-project --zone=us-central1-a",
      );
    });

    it("waits for a VM that has published nothing yet", async () => {
      const { code, stdout } = await run({ says: "echo 'ERROR: 404 not found' >&2; exit 1" });
      expect(code).toBe(1);
      expect(stdout).toContain("VM: nothing reported yet");
    });

    it("trusts the VM's own probe where the firewall shuts this machine out", async () => {
      const port = await freePort();
      expect((await run({ says: attributes(digest), port })).code).toBe(0);
      const { code, stderr } = await run({ says: attributes("d0"), port });
      expect(code).toBe(1);
      expect(stderr).toContain("monitoring:allowedSources");
    });

    it("says that the gate does not know the key", async () => {
      const { code, stderr } = await run({ says: attributes(digest), GATE_KEY: "another-key" });
      expect(code).toBe(1);
      expect(stderr).toContain("does not know the newest key");
    });

    it("points to otlpHost when the name does not resolve", async () => {
      const { code, stderr } = await run({
        says: attributes(digest),
        GATE_HOST: "otlp.palindrom.invalid",
        CURL_HOME: join(home, "none"),
        HOME: join(home, "none"),
      });
      expect(code).toBe(1);
      expect(stderr).toContain(
        "The name otlp.palindrom.invalid does not resolve. Point it to 203.0.113.10",
      );
      expect(stderr).toContain("monitoring:otlpHost");
    });

    it("points to otlpHost when another server answers under the name", async () => {
      const other = await issueCertificate([host]);
      const { code, stderr } = await run({
        says: attributes(digest),
        GATE_CA_CERTIFICATE: other.ca,
      });
      expect(code).toBe(1);
      expect(stderr).toContain("does not show this stack's certificate");
    });

    it("never prints the key", async () => {
      for (const GATE_KEY of [key, "another-key"]) {
        const { stdout, stderr } = await run({ says: attributes(digest), GATE_KEY });
        expect(stdout + stderr).not.toContain(GATE_KEY);
      }
    });
  },
);

function symlinkTool(tool: string, link: string): void {
  try {
    const path = execFileSync("sh", ["-c", 'command -v "$1"', "sh", tool], {
      encoding: "utf8",
    }).trim();
    symlinkSync(path, link);
  } catch {}
}
