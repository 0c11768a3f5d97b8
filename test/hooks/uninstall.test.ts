import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ownSettings } from "./engineerMachine";
import { ageAttempt, header, holding, withKeys } from "./withKeys";

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
  it.each([
    ["a background look", "waits for Secret Manager", "gcloud", "*", "echo key-2"],
    ["a background look", "waits for the gate", "curl", "*", "echo grpc-status: 0"],
    ["a background look", "is about to keep a key", "mv", "*/key", '/bin/mv "$@"'],
    ["a watch", "waits for the gate", "curl", "*", "echo grpc-status: 0"],
  ])("leaves nothing of %s that %s meanwhile", async (look, _, tool, when, then) => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    if (look === "a watch") writeFileSync(`${engineer.state}/gate`, "0\n\n");
    else ageAttempt(engineer);
    engineer.fake("gcloud", "echo key-2");
    engineer.fakeGate("key-2");
    const held = `touch "${engineer.root}/begun"; sleep 1; touch "${engineer.root}/over"`;
    engineer.fake(tool, `case $* in ${when}) ${held} ;; esac; ${then}`);
    await engineer.run();
    await engineer.until(() => existsSync(`${engineer.root}/begun`));
    await engineer.run(["uninstall"]);
    expect(existsSync(`${engineer.root}/over`)).toBe(false);
    await engineer.until(() => existsSync(`${engineer.root}/over`));
    await engineer.settled();
    expect(readdirSync(engineer.state).sort()).toEqual([".gitignore", "off"]);
    expect(header(engineer)).toBeUndefined();
  });
  it("removes that settings.json although a watch ends before it has read the state", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    writeFileSync(`${engineer.state}/gate`, "0\n\n");
    const comparing = `${engineer.root}/comparing`;
    engineer.fake(
      "curl",
      `touch "${engineer.root}/begun"; until [ -e "${comparing}" ]; do sleep 0.1; done`,
    );
    await engineer.run();
    await engineer.until(() => existsSync(`${engineer.root}/begun`));
    // As a kill between two writes leaves it.
    rmSync(`${engineer.state}/owned`);
    engineer.fake("cmp", `touch "${comparing}"; sleep 1; exec /usr/bin/cmp "$@"`);
    await engineer.run(["uninstall"]);
    await engineer.settled();
    expect(existsSync(engineer.settings)).toBe(false);
    expect(readdirSync(engineer.state).sort()).toEqual([".gitignore", "off"]);
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
