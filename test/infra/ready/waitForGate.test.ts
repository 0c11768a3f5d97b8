import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
const version = "d1";

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

    /** @param says what the backend's progress command prints, or a whole command of its own */
    const run = ({
      says,
      port = gate.port,
      ...environment
    }: { says: string; port?: number } & Record<string, unknown>) => {
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
              READY_VERSION: version,
              READY_PROGRESS: says,
              READY_LOG: "show the log",
              READY_TIMEOUT_MINUTES: "0",
              ...environment,
            },
          },
          (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
        );
      });
    };

    const reports = (applied: string, stage = "content done", error = "") =>
      `printf '%s\\n' 'stage=${stage}' 'applied=${applied}' 'error=${error}'`;

    it("ends well once the gate accepts the key and the version is applied", async () => {
      const { code, stdout, stderr } = await run({ says: reports(version) });
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(stdout).toBe("gate: accepted; stage: content done\n");
    });

    it("does not call it done where nobody can know what is applied, and says so at once", async () => {
      const { code, stderr } = await run({
        says: "echo 'no log-in: run gcloud auth application-default login' >&2; exit 1",
        READY_TIMEOUT_MINUTES: "1",
      });
      expect(code).toBe(1);
      expect(stderr).toContain("nobody here can know whether this version is applied: no log-in");
      expect(stderr).toContain("then run again: pulumi up");
    });

    it("asks again when there was no answer", async () => {
      const asked = join(home, "asked");
      const says = `[ -e ${asked} ] && { ${reports(version)}; exit 0; }; : >${asked}; echo 'HTTP 503' >&2; exit 2`;
      const { code, stdout } = await run({
        says,
        READY_TIMEOUT_MINUTES: "1",
        READY_POLL_SECONDS: "0.1",
      });
      expect(code).toBe(0);
      expect(stdout).toContain("stage: unknown (HTTP 503)");
    });

    it("waits while another version is applied, and names the stage in the end", async () => {
      const { code, stderr } = await run({ says: reports("d0", "images failed", "pull refused") });
      expect(code).toBe(1);
      expect(stderr).toContain("Stage: images failed, pull refused");
      expect(stderr).toContain("See what is not applied yet: show the log");
    });

    it("waits for a backend that has reported nothing yet", async () => {
      const { code, stdout } = await run({ says: "true" });
      expect(code).toBe(1);
      expect(stdout).toContain("stage: nothing reported yet");
    });

    it("trusts the backend's own probe where the firewall shuts this machine out", async () => {
      const port = await freePort();
      expect((await run({ says: reports(version), port })).code).toBe(0);
      const { code, stderr } = await run({ says: reports("d0"), port });
      expect(code).toBe(1);
      expect(stderr).toContain("monitoring:allowedSources");
    });

    it("says that the gate does not know the key", async () => {
      const { code, stderr } = await run({ says: reports(version), GATE_KEY: "another-key" });
      expect(code).toBe(1);
      expect(stderr).toContain("does not know the newest key");
    });

    it("points to otlpHost when the name does not resolve", async () => {
      const { code, stderr } = await run({
        says: reports(version),
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
        says: reports(version),
        GATE_CA_CERTIFICATE: other.ca,
      });
      expect(code).toBe(1);
      expect(stderr).toContain("does not show this stack's certificate");
    });

    it("never prints the key", async () => {
      for (const GATE_KEY of [key, "another-key"]) {
        const { stdout, stderr } = await run({ says: reports(version), GATE_KEY });
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
