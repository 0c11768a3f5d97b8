import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Machine, ownSettings } from "../hooks/engineerMachine";

const script = join(__dirname, "diskFull.sh");

// A mount of its own in a namespace of its own, so that the computer's mounts stay as they are.
it.skipIf(process.getuid?.() !== 0)(
  "with 0 to 40 KB free on the disk, the session starts and settings.json stays whole (needs root)",
  () => {
    const machine = new Machine();
    machine.fake("gcloud", "echo key-1");
    machine.fake("curl", "cat >/dev/null; echo grpc-status: 0");
    writeFileSync(`${machine.root}/settings`, ownSettings);
    writeFileSync(`${machine.root}/hook`, readFileSync(machine.hook));
    const outcomes = new Set<string>();
    try {
      for (const free of [0, 4, 8, 12, 16, 20, 24, 28, 32, 40]) {
        execFileSync(
          "unshare",
          [
            "-m",
            "sh",
            script,
            String(free),
            machine.home,
            machine.root,
            machine.hook,
            machine.settings,
          ],
          {
            env: { ...machine.env, PATH: `${machine.bin}:/usr/sbin:/usr/bin:/sbin:/bin` },
          },
        );
        const read = (name: string) => readFileSync(`${machine.root}/${name}`, "utf8");
        const changed = read("after") !== ownSettings;
        outcomes.add(changed ? "written" : "left alone");
        const { env, ...rest } = JSON.parse(read("after"));
        const { env: own, ...theirs } = JSON.parse(ownSettings);
        expect(rest, `${free} KB free`).toEqual(theirs);
        expect(env).toMatchObject(own);
        expect(read("stderr")).toBe("");
        expect(read("stdout").split("\n").length).toBeLessThan(3);
        if (free === 40) expect(read("certificate")).toContain("telemetry-hook, the disk is full.");
        if (free === 0) expect(read("doctor")).toMatch(/^fail state .*\n.*→ df -h .*\n$/);
        expect(read("recovered"), `${free} KB free`).toContain("signoz-ingestion-key=key-1");
      }
    } finally {
      machine.remove();
    }
    expect([...outcomes].sort()).toEqual(["left alone", "written"]);
  },
);
