import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const script = join(__dirname, "../../../infra/vm/progress.sh");
const path =
  "/compute/v1/projects/a-project/zones/a-zone/instances/monitoring-dev/getGuestAttributes";
const items = [
  { namespace: "monitoring", key: "stage", value: "content failed" },
  { namespace: "monitoring", key: "applied", value: "d1" },
  { namespace: "monitoring", key: "error", value: 'a "reason" with \\ and é' },
];

let google: Server;
let answer: (token: string) => [status: number, body: unknown];
let asked: string[] = [];
let home: string;

beforeAll(async () => {
  google = createServer((request, response) => {
    const token = String(request.headers.authorization).replace("Bearer ", "");
    asked.push(token);
    const known = request.url === `${path}?queryPath=monitoring/`;
    const [status, body] = known ? answer(token) : [400, {}];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body, null, 2));
  });
  await new Promise<void>((resolve) => google.listen(0, "127.0.0.1", resolve));
});
afterAll(() => google.close());

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "progress-"));
  mkdirSync(join(home, "bin"));
  asked = [];
  answer = () => [200, { queryValue: { items } }];
  return () => rmSync(home, { recursive: true, force: true });
});

/** @param gcloud a line of shell that stands for gcloud; undefined where it is not installed */
const run = (gcloud: string | undefined, env: Record<string, string> = {}) => {
  if (gcloud !== undefined) {
    writeFileSync(join(home, "bin/gcloud"), `#!/bin/sh\n${gcloud}\n`);
    chmodSync(join(home, "bin/gcloud"), 0o755);
  }
  const { port } = google.address() as AddressInfo;
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      "bash",
      [script, "a-project", "a-zone", "monitoring-dev"],
      {
        env: {
          PATH: `${join(home, "bin")}:${dirname(process.execPath)}:/usr/bin:/bin`,
          HOME: home,
          CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `http://127.0.0.1:${port}/compute/v1/`,
          ...env,
        },
      },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
};

const adcOnly =
  'case "$*" in "auth application-default print-access-token"*) echo adc ;; *) echo "no active account" >&2; exit 1 ;; esac';
const accountOnly =
  'case "$*" in "auth print-access-token"*) echo account ;; *) echo "no default credentials" >&2; exit 1 ;; esac';

describe("progress.sh", () => {
  it.each([
    ["application default credentials alone", adcOnly, {}, ["adc"]],
    ["gcloud's own account alone", accountOnly, {}, ["account"]],
    ["a token of the environment", "exit 1", { GOOGLE_OAUTH_ACCESS_TOKEN: "given" }, ["given"]],
  ])("asks with %s", async (_what, gcloud, env, tokens) => {
    const { code, stdout, stderr } = await run(gcloud, env);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe('stage=content failed\napplied=d1\nerror=a "reason" with \\ and é\n');
    expect(asked).toEqual(tokens);
  });

  it("tries the next log-in when Google refuses one", async () => {
    answer = (token) => (token === "account" ? [200, {}] : [403, {}]);
    const both = 'case "$*" in *application-default*) echo adc ;; *) echo account ;; esac';
    expect((await run(both)).code).toBe(0);
    expect(asked).toEqual(["adc", "account"]);
  });

  it("knows a VM that has published nothing", async () => {
    answer = () => [404, { error: {} }];
    expect(await run(adcOnly)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it.each([
    [
      "no log-in",
      "echo 'no credentials' >&2; exit 1",
      /no log-in: run gcloud auth .*no credentials/,
    ],
    ["no permission", adcOnly, /HTTP 403.*compute\.instances\.getGuestAttributes/],
  ])("says that it cannot be asked: %s", async (_what, gcloud, reason) => {
    answer = () => [403, {}];
    const { code, stdout, stderr } = await run(gcloud);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(reason);
  });

  it("tells a missing answer from a refusal, and shows no token", async () => {
    answer = () => [503, {}];
    const { code, stderr } = await run(adcOnly);
    expect(code).toBe(2);
    expect(stderr).toContain("HTTP 503");
    const lost = await run(adcOnly, {
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: "http://127.0.0.1:9/",
    });
    expect(lost.code).toBe(2);
    expect(stderr + lost.stderr).not.toContain("adc");
  });
});
