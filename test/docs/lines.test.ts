import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeTool } from "../fakeTool";
import { codeBlocks, codeFile } from "./documents";

describe("a line that people copy", () => {
  it("starts Claude Code in a container although there is no key for the hook", () => {
    const line = codeBlocks("docs/telemetry-setup.md")
      .flatMap(({ text }) => text.split("\n"))
      .find((text) => text.includes("# in the entry point")) as string;
    const claude = fakeTool("claude", "echo started");
    mkdirSync(join(claude.folder, ".claude/hooks"), { recursive: true });
    writeFileSync(join(claude.folder, ".claude/hooks/telemetry-hook.sh"), "exit 1\n");
    const { stdout } = spawnSync("sh", ["-ec", line], {
      env: { ...claude.env, HOME: claude.folder },
      encoding: "utf8",
    });
    expect(stdout).toBe("started\n");
  });

  it("keeps the certificate and what is set when gcloud's login has run out", () => {
    const gcloud = fakeTool("gcloud", "exit 1");
    const ca = join(gcloud.folder, "otel/gate-ca.pem");
    mkdirSync(join(gcloud.folder, "otel"));
    writeFileSync(ca, "of yesterday");
    const script = join(gcloud.folder, "otel-env.sh");
    writeFileSync(script, codeFile("docs/instrumentation-guide.md", "otel-env.sh"));
    const { stdout } = spawnSync(
      "sh",
      ["-c", '. "$1" || echo "failed, $OTEL_EXPORTER_OTLP_ENDPOINT"', "sh", script],
      {
        env: {
          ...gcloud.env,
          XDG_CONFIG_HOME: gcloud.folder,
          OTEL_EXPORTER_OTLP_ENDPOINT: "https://gate.example.test:4317",
        },
        encoding: "utf8",
      },
    );
    expect(readFileSync(ca, "utf8")).toBe("of yesterday");
    expect(stdout).toBe("failed, https://gate.example.test:4317\n");
  });
});
