import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ownSettings } from "./engineerMachine";
import { header, holding, withKeys } from "./withKeys";

describe("uninstall", () => {
  it("takes out the hook's variables and keeps later edits", async () => {
    const engineer = withKeys("key-1");
    writeFileSync(engineer.settings, ownSettings);
    await engineer.run();
    const edited = JSON.parse(readFileSync(engineer.settings, "utf8"));
    edited.model = "haiku";
    edited.env.OTEL_RESOURCE_ATTRIBUTES = `project=x,${edited.env.OTEL_RESOURCE_ATTRIBUTES}`;
    writeFileSync(engineer.settings, JSON.stringify(edited));
    await engineer.run();
    expect((await engineer.run(["uninstall"])).code).toBe(0);
    expect(JSON.parse(readFileSync(engineer.settings, "utf8"))).toEqual({
      ...JSON.parse(ownSettings),
      model: "haiku",
      env: { MY_VARIABLE: "1", OTEL_RESOURCE_ATTRIBUTES: "project=x" },
    });
  });
  it("removes a settings.json that there was not before", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.run(["uninstall"]);
    expect(existsSync(engineer.settings)).toBe(false);
  });
  it("stays off until refresh, and leaves no key behind", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    await engineer.run(["uninstall"]);
    expect(readdirSync(engineer.state).sort()).toEqual([".gitignore", "off"]);
    expect((await engineer.run()).stdout).toBe("");
    expect(header(engineer)).toBeUndefined();
    expect((await engineer.run(["refresh"])).stdout).toContain(
      "Key: from Secret Manager, accepted by the gate",
    );
    expect(header(engineer)).toBe(holding("key-1"));
  });
  it("says so when it cannot write its state, and what is in settings.json stays in force", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    chmodSync(engineer.state, 0o500);
    expect(await engineer.run(["uninstall"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(
        `so nothing is switched off: chmod u+rwx '${engineer.state}'`,
      ),
    });
    expect(header(engineer)).toBe(holding("key-1"));
    chmodSync(engineer.state, 0o700);
  });
});
