import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificate, issueCertificate } from "../../../simulator/certificate";
import { finished, which } from "../../hooks/engineerMachine";
import { type Rows, startKeyedGate, startSignoz } from "../../scripts/signoz";

const script = join(__dirname, "../../../scripts/verify-telemetry.sh");
const rows: Rows = {
  metrics: [
    ["alice", 1200],
    ["bob", 3],
  ],
  logs: [["alice", 40]],
  traces: [["alice", 7]],
};

describe.skipIf(!which("jq") || !which("curl"))("verify-telemetry.sh (needs jq and curl)", () => {
  let dir: string;
  let certificate: Certificate;
  let gate: Awaited<ReturnType<typeof startKeyedGate>>;
  let signoz: Awaited<ReturnType<typeof startSignoz>>;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "verify-"));
    certificate = await issueCertificate(["localhost"]);
    gate = await startKeyedGate(certificate, "key-1");
    signoz = await startSignoz(rows, gate);
    const endpoint = {
      grpc: "192.0.2.1:4317",
      url: `https://localhost:${gate.port}`,
      caCertificate: certificate.ca,
    };
    const settings = JSON.stringify({ adminEmail: "root@example.test" });
    const instance = { metadata: { items: [{ key: "monitoring-settings", value: settings }] } };
    writeFileSync(join(dir, "endpoint"), JSON.stringify(endpoint));
    writeFileSync(join(dir, "instance"), JSON.stringify(instance));
    symlinkSync(join(__dirname, "../../scripts/verify/gcloud.sh"), join(dir, "gcloud"));
  });
  afterAll(() => {
    gate?.close();
    signoz?.close();
    rmSync(dir, { recursive: true });
  });

  const verify = (args: string[], env: Record<string, string> = {}) => {
    const child: ChildProcess = spawn(script, args, {
      env: {
        PATH: `${dir}:${process.env.PATH}`,
        FOLDER: dir,
        NODE: process.execPath,
        TUNNEL: join(__dirname, "../../scripts/verify/tunnel.cjs"),
        SIGNOZ_PORT: String(signoz.port),
        ...env,
      },
    });
    return finished(child);
  };
  const direct = () => ["--url", `http://localhost:${signoz.port}`, "--email", "root@example.test"];

  it("opens a tunnel, logs in by Secret Manager, prints a table and closes the tunnel", async () => {
    const ran = await verify(["--project", "example-dev", "--zone", "us-central1-a"]);
    expect(ran.stderr).toBe("");
    expect(ran.stdout.split("\n").map((line) => line.split(/ +/))).toEqual([
      ["ENGINEER", "TOKENS", "LOGS", "SPANS"],
      ["alice", "1200", "40", "7"],
      ["bob", "3", "0", "0"],
      [""],
    ]);
    expect(ran.code).toBe(0);
    expect(readFileSync(join(dir, "calls"), "utf8")).toMatch(
      /start-iap-tunnel monitoring-dev 8080 .*--project=example-dev --zone=us-central1-a/,
    );
    const tunnel = Number(readFileSync(join(dir, "tunnel.pid"), "utf8"));
    await expect.poll(() => existsSync(`/proc/${tunnel}`), { timeout: 30_000 }).toBe(false);
  });
  it("fails for an engineer of whom a signal is missing, and names it", async () => {
    const ran = await verify([...direct(), "--engineer", "bob", "--minutes", "60"]);
    expect(ran.stdout).toContain("missing in the last 60 min of bob: logs, spans");
    expect(ran.code).toBe(1);
  });
  it("asks for the last minutes of service claude-code", async () => {
    await verify([...direct(), "--minutes", "30"]);
    const query = JSON.parse(signoz.requests.at(-2)?.body ?? "{}");
    expect(signoz.requests.at(-1)).toMatchObject({
      path: "/api/v2/sessions",
      token: "Bearer token-1",
    });
    expect(query.end - query.start).toBe(1_800_000);
    expect(Math.abs(query.end - Date.now())).toBeLessThan(60_000);
    expect(query.compositeQuery.queries[0].spec.filter.expression).toBe(
      "service.name = 'claude-code'",
    );
  });
  it("sends a marker through the gate and reads it back", async () => {
    const ran = await verify([...direct(), "--send", "--json"]);
    expect(JSON.parse(ran.stdout)).toMatchObject({ marker: "read_back", ok: true });
    expect(gate.bodies.at(-1)?.subarray(0, 1)).toEqual(Buffer.from([0]));
    expect(ran.code).toBe(0);
  });
  it("says lost when the marker never shows, and refused when the gate does not take it", async () => {
    const empty = await startSignoz({ metrics: [], logs: [], traces: [] });
    const url = ["--url", `http://localhost:${empty.port}`, "--email", "root@example.test"];
    const lost = await verify([...url, "--send"], { VERIFY_WAIT_SECONDS: "1" });
    empty.close();
    expect(lost.stdout).toContain("not to be read back");
    expect(lost.code).toBe(1);
    const refused = await verify([...direct(), "--send"], {
      GATE_URL: `https://localhost:${gate.port}`,
      GATE_CA_CERTIFICATE: certificate.ca,
      GATE_KEY: "wrong",
    });
    expect(refused.stderr).toContain("refuses the marker: grpc-status: 16");
    expect(refused.code).toBe(2);
  });
  it.each([
    [["--stack", "prod"], 2, "monitoring-signoz-admin-secret-prod cannot be read: NOT_FOUND"],
    [["--minutes", "x"], 64, "--minutes must be a whole number above 0: got 'x'"],
    [["--bogus"], 64, "unknown argument --bogus"],
  ])("%j: exit %i and the reason", async (args, code, reason) => {
    const ran = await verify([...direct(), ...args]);
    expect(ran.stderr).toContain(reason);
    expect(ran.code).toBe(code);
  });
  it("does not take a wrong password for an empty SigNoz", async () => {
    const ran = await verify(direct(), { SIGNOZ_PASSWORD: "wrong" });
    expect(ran).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("login was refused: 401 wrong password"),
    });
    const nobody = await verify(["--url", "http://localhost:1", "--email", "a@b.test"]);
    expect(nobody).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the login context was refused: "),
    });
  });
});
