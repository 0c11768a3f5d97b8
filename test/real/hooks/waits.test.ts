import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ageAttempt, header, withKeys } from "../../hooks/withKeys";

describe("a source of the key that hangs", () => {
  it("costs one wait of 3 s, and none after", async () => {
    const engineer = withKeys("key-1");
    const asked = `${engineer.root}/asked`;
    engineer.fake("op", `echo "$START" >>"${asked}"; sleep 60 & sleep 60`);
    const cold = await engineer.run([], { env: { START: "first" } });
    const warm = await engineer.run([], { env: { START: "second" } });
    expect(cold.seconds).toBeGreaterThan(2.5);
    expect(cold.stdout).toContain("1Password: no answer in time");
    // What the first start left to the background asks again in its name.
    expect(readFileSync(asked, "utf8")).toMatch(/^(first\n)+$/);
    expect(warm.stdout).toBe("");
  });
  it("leaves no process behind", async () => {
    const engineer = withKeys("key-1", "key-1", { hook: { onePasswordReference: "" } });
    const grandchild = `${engineer.root}/grandchild`;
    engineer.fake("sleeper", "sleep 60");
    engineer.fake("gcloud", `"${engineer.bin}/sleeper" & echo $! >>"${grandchild}"; wait`);
    await engineer.run();
    const [first = ""] = readFileSync(grandchild, "utf8").split("\n");
    // A zombie waits for its new parent and holds nothing.
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", first], { encoding: "utf8" });
    expect(stdout).not.toMatch(/^[^Z\s]/);
  });
  it("is not waited for again after a start that was killed while it waited", async () => {
    const engineer = withKeys("key-1");
    engineer.fake("op", `echo once >>"${engineer.root}/begun"; sleep 60`);
    const killed = engineer.start();
    await engineer.until(() => existsSync(`${engineer.root}/begun`));
    killed.kill("SIGKILL");
    process.kill(-(killed.pid as number), "SIGKILL");
    await engineer.run();
    expect(readFileSync(`${engineer.root}/begun`, "utf8")).toBe("once\n");
  });
});

describe("uninstall", () => {
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
});
