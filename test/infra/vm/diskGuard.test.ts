import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeTool } from "../../fakeTool";

const [shipped = "", helper = ""] = ["disk-guard.sh", "parts.sh"].map((name) =>
  readFileSync(`infra/vm/files/${name}`, "utf8"),
);

/** One look of the guard at a machine whose Docker hangs at a word; real disks and containers are in test/real/vmChange.test.ts. */
function look({
  free,
  hangsAt,
  closed = false,
  parts = ["gate", "clickhouse", "signoz"],
}: {
  free: number;
  hangsAt?: string;
  closed?: boolean;
  parts?: string[];
}) {
  const { folder, env, calls } = fakeTool(
    "docker",
    `case "$1" in
      ${hangsAt ?? "nothing"}) exec sleep 60 ;;
      inspect) echo true ;;
    esac`,
  );
  const tool = (name: string, body: string) =>
    writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  tool("df", `printf '1K-blocks Avail\n100 ${free}\n'`);
  for (const name of ["mountpoint", "findmnt", "resize2fs", "curl"]) tool(name, "");
  for (const name of ["state/files", "run"]) mkdirSync(join(folder, name), { recursive: true });
  if (closed) writeFileSync(join(folder, "state/gate-closed"), "");
  const moved = (text: string) => text.replaceAll("/var/lib/monitoring/", `${folder}/state/`);
  writeFileSync(join(folder, "state/files/parts.sh"), moved(helper));
  writeFileSync(join(folder, "state/settings.json"), JSON.stringify({ parts }));
  const guard = moved(shipped)
    .replaceAll("/run/", `${folder}/run/`)
    .replace("timeout 60", "timeout 0.3");
  const { stdout } = spawnSync("bash", ["-c", guard], { env, encoding: "utf8", timeout: 20_000 });
  return { said: stdout, calls: calls(), isClosed: existsSync(join(folder, "state/gate-closed")) };
}

describe("disk-guard.sh, while Docker does not answer", () => {
  it.each([
    [
      "of a full disk, and that the gate is open",
      { free: 5, hangsAt: "inspect" },
      "full: Docker",
      true,
    ],
    ["the same where the stop hangs", { free: 5, hangsAt: "stop" }, "full: Docker", true],
    ["of a disk that fills up", { free: 18, hangsAt: "inspect" }, "low: ", false],
    ["of room enough", { free: 50, hangsAt: "inspect" }, "ok", false],
  ])("tells %s", (_, machine, told, isClosed) => {
    const seen = look(machine);
    expect(seen.said).toContain(`disk=${told}`);
    expect(seen.isClosed).toBe(isClosed);
  });

  it("opens no gate that could not be opened", () => {
    const seen = look({ free: 50, hangsAt: "start", closed: true });
    expect(seen).toMatchObject({ isClosed: true, said: "" });
  });
});

describe("disk-guard.sh, where the gate is on another machine", () => {
  it.each([false, true])("closes none, and keeps none closed (it was: %s)", (closed) => {
    const seen = look({ free: 5, closed, parts: ["signoz"] });
    expect(seen.said).toBe("disk=low: less than 20% of the data disk are free\n");
    expect(seen.isClosed).toBe(false);
    expect(seen.calls.filter((call) => !call.startsWith("docker inspect"))).toEqual([]);
  });
});
