import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Machine, ownSettings, which } from "../../hooks/engineerMachine";
import { header, holding, withKeys } from "../../hooks/withKeys";

describe("settings.json that could not hold the variables", () => {
  const jq = which("jq") ?? "jq";
  it.each<[string, string[], (engineer: Machine) => void, (engineer: Machine) => void]>([
    [
      "jq is installed",
      ["jq"],
      () => undefined,
      (engineer) => engineer.fake("jq", `exec ${jq} "$@"`),
    ],
    [
      "jq is mended",
      [],
      (engineer) => engineer.fake("jq", "exit 127"),
      (engineer) => engineer.fake("jq", `exec ${jq} "$@"`),
    ],
    [
      "a file is where the symbolic link was",
      [],
      (engineer) => {
        renameSync(engineer.settings, `${engineer.home}/mine.json`);
        symlinkSync(`${engineer.home}/mine.json`, engineer.settings);
      },
      (engineer) => {
        rmSync(engineer.settings);
        renameSync(`${engineer.home}/mine.json`, engineer.settings);
      },
    ],
  ])("holds them from the next start on once %s", async (_what, without, spoil, mend) => {
    const engineer = withKeys("key-1", "key-1", { without });
    writeFileSync(engineer.settings, ownSettings);
    spoil(engineer);
    expect((await engineer.run()).stdout).toContain("cannot hold");
    expect((await engineer.run()).stdout).toBe("");
    mend(engineer);
    expect((await engineer.run(["doctor"])).stdout).toMatch(/^fail variables .*\n.*→ .*refresh$/m);
    expect((await engineer.run()).stdout).toContain("from the next session on");
    expect(header(engineer)).toBe(holding("key-1"));
  });
  it("has the new key although a session without jq on its PATH was there first", async () => {
    const engineer = withKeys("key-1", "key");
    await engineer.run();
    engineer.fake("gcloud", "echo key-2");
    engineer.install({ keyGeneration: "2026-12" });
    rmSync(`${engineer.bin}/jq`);
    await engineer.run();
    expect(header(engineer)).toBe(holding("key-1"));
    engineer.fake("jq", `exec ${jq} "$@"`);
    await engineer.run();
    expect(header(engineer)).toBe(holding("key-2"));
  });
});
