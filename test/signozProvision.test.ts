import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contentMetadata, renderContent, type SignozContent } from "../infra/signoz/content.js";
import { SignozImitation } from "./signoz-api/server.js";

const missing = ["bash", "jq", "curl"].filter(
  (tool) => spawnSync(tool, ["--version"]).status !== 0,
);
const user = { email: "admin@example.com", password: "Aa1!example-password" };
let folder: string;
let signoz: SignozImitation;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "provision-"));
  signoz = await SignozImitation.start(user);
});
afterEach(async () => {
  await signoz.stop();
  rmSync(folder, { recursive: true });
});

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

async function provision(content: SignozContent) {
  const script = join(__dirname, "../infra/vm/provision.sh");
  const child = spawn(script, [
    file("content", contentMetadata(content)),
    file("credentials", JSON.stringify(user)),
    signoz.url,
    join(folder, "state"),
  ]);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const status = await new Promise((resolve) => child.on("close", resolve));
  return { status, lines: output.trimEnd().split("\n"), errors };
}

describe.skipIf(missing.length > 0)(
  `provision.sh (needs bash, jq, curl; missing: ${missing})`,
  () => {
    const content = renderContent({ signozUrl: "http://localhost:8080" });

    it("creates everything, and changes nothing on the second run", async () => {
      expect(await provision(content)).toEqual({
        status: 0,
        lines: [
          "created   dashboard claude-code-team-overview",
          "provision: 1 created, 0 updated, 0 unchanged, 0 removed, 0 failed",
        ],
        errors: "",
      });
      signoz.requests.length = 0;
      expect((await provision(content)).lines.at(-1)).toBe(
        "provision: 0 created, 0 updated, 1 unchanged, 0 removed, 0 failed",
      );
      expect(signoz.requests.filter(({ method }) => method === "PUT")).toEqual([]);
    });
  },
);
