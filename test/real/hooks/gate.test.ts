import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Machine } from "../../hooks/engineerMachine";
import { asked, header, holding, withKeys } from "../../hooks/withKeys";

describe("the gate", () => {
  const exitWait = (engineer: Machine) => engineer.written().CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS;

  it("is not waited for at exit while it is out of reach, and is again when it is back", async () => {
    const engineer = withKeys("key-1");
    engineer.fake("curl", "exit 28");
    await engineer.run();
    await engineer.until(() => exitWait(engineer) === "1");
    engineer.fake("curl", "cat >/dev/null; echo grpc-status: 0");
    await engineer.run();
    await engineer.until(() => exitWait(engineer) === undefined);
  });
  it("is looked at once in ten minutes of use", async () => {
    const engineer = withKeys("key-1");
    await engineer.run();
    await engineer.settled();
    engineer.fake(
      "curl",
      `echo looked >>"${engineer.root}/asked"; cat >/dev/null; echo grpc-status: 0`,
    );
    writeFileSync(`${engineer.root}/asked`, "", { mode: 0o666 });
    for (let start = 0; start < 3; start += 1) await engineer.run();
    await engineer.settled();
    expect(asked(engineer)).toBe(0);
    writeFileSync(`${engineer.state}/gate`, "0\n\n");
    for (let start = 0; start < 3; start += 1) await engineer.run();
    await engineer.settled();
    expect(asked(engineer)).toBe(1);
  });
  it("that refuses SIGNOZ_KEY is told of once, and doctor and refresh say what to do", async () => {
    const engineer = withKeys("key-2");
    engineer.env.SIGNOZ_KEY = "key-1";
    const look = async () => {
      writeFileSync(`${engineer.state}/gate`, "0\n\n");
      const { stdout } = await engineer.run();
      await engineer.settled();
      return stdout;
    };
    await engineer.run();
    await engineer.settled();
    expect(await look()).toContain("SIGNOZ_KEY is refused by the gate");
    expect(await look()).toBe("");
    expect((await engineer.run(["doctor"])).stdout).toMatch(
      /^fail accepted +the gate refuses the key of SIGNOZ_KEY\n.*unset SIGNOZ_KEY && .* refresh/m,
    );
    const refreshed = await engineer.run(["refresh"]);
    expect(refreshed.stdout).toContain("Key: SIGNOZ_KEY of this shell, refused by the gate");
    expect(refreshed.stderr).toContain("take the variable out");
    // Mended, and refused again by the next rotation.
    engineer.fakeGate("key-1");
    await look();
    engineer.fakeGate("key-3");
    await look();
    expect(await look()).toContain("SIGNOZ_KEY is refused by the gate");
    delete engineer.env.SIGNOZ_KEY;
    engineer.fakeGate("key-2");
    await engineer.run(["refresh"]);
    expect(header(engineer)).toBe(holding("key-2"));
  });
  it("that refuses the key gets the new one without a human", async () => {
    const engineer = withKeys("key-2", "key");
    engineer.fake("gcloud", "echo key-1");
    await engineer.run();
    engineer.fake("gcloud", "echo key-2");
    engineer.fakeGate("key-2");
    await engineer.settled();
    const attempt = engineer.read("attempt").split("\n");
    attempt[4] = "0";
    writeFileSync(`${engineer.state}/attempt`, attempt.join("\n"));
    writeFileSync(`${engineer.state}/gate`, "0\n\n");
    await engineer.run();
    await engineer.until(() => header(engineer) === holding("key-2"));
  });
});
