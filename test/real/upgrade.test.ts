import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cloud } from "../../simulator/cloud/cloud";
import { runProgram } from "../../simulator/program";
import { debian } from "./parts/debian";

/** What the Debian userland, whose Compose this is, needs to be built. */
const missing =
  process.getuid?.() !== 0
    ? "needs root"
    : spawnSync("debootstrap", ["--version"]).status === 0
      ? ""
      : "needs debootstrap";

/** Compose recreates the services whose hash differs: asked of the real Compose 2.26 of Debian 13, on what the program delivers. */
describe.skipIf(missing !== "")(
  `changing one line of config (${missing || "real compose"})`,
  () => {
    const dir = mkdtempSync(join(tmpdir(), "monitoring-upgrade-"));
    afterAll(() => rmSync(dir, { recursive: true, force: true }));
    let root: string;
    let before: Record<string, string>;

    /** What the VM's own services.sh writes as variables, and the hash that Compose gives each service. */
    async function hashes(
      config: Record<string, unknown> = {},
      cloudIngestionKey?: string,
    ): Promise<Record<string, string>> {
      const secrets = cloudIngestionKey ? { cloudIngestionKey } : {};
      const { resources } = await runProgram({
        config,
        secrets,
        cloud: new Cloud(),
        program: fresh,
      });
      const vm = resources.find(({ type }) => type === "gcp:compute/instance:Instance");
      const metadata = vm?.inputs.metadata as Record<string, string>;
      // Its path is part of the hashes, so it is the same for every release, as on the machine.
      const release = join(dir, "files");
      rmSync(release, { recursive: true, force: true });
      for (const [path, text] of Object.entries<string>(
        JSON.parse(metadata["monitoring-files"] ?? "{}"),
      )) {
        mkdirSync(dirname(join(release, path)), { recursive: true });
        // Passwords' files, which a service's definition reads: the same in every run, so in a place of the test's own.
        writeFileSync(
          join(release, path),
          text.replaceAll("/var/lib/monitoring/secrets", join(dir, "secrets")),
        );
      }
      writeFileSync(join(release, "settings.json"), metadata["monitoring-settings"] ?? "");
      execFileSync(join(__dirname, "upgrade/variables.sh"), [release, dir]);
      const { stdout, stderr, status } = spawnSync(
        join(root, "lib64/ld-linux-x86-64.so.2"),
        [
          "--library-path",
          join(root, "lib/x86_64-linux-gnu"),
          join(root, "usr/libexec/docker/cli-plugins/docker-compose"),
          "--project-directory",
          release,
          "--file",
          join(release, "compose.yaml"),
          "--env-file",
          join(release, "compose.env"),
          "config",
          "--hash",
          "*",
        ],
        { encoding: "utf8" },
      );
      expect(status, stderr).toBe(0);
      return Object.fromEntries(
        stdout
          .trim()
          .split("\n")
          .map((line) => line.split(" ")),
      );
    }
    const fresh = async () => {
      const { vi } = await import("vitest");
      vi.resetModules();
      return import("../../index.js");
    };
    const recreated = async (config: Record<string, unknown>) => {
      const after = await hashes(config);
      return Object.keys(after)
        .filter((service) => after[service] !== before[service])
        .sort();
    };

    beforeAll(async () => {
      root = await debian();
      mkdirSync(join(dir, "secrets"));
      for (const name of [
        "collector.env",
        "migrator.env",
        "signoz.env",
        "sender.env",
        "clickhouse-passwords.xml",
      ])
        writeFileSync(join(dir, `secrets/${name}`), "A=b\n");
      before = await hashes();
    });

    it("leaves everything alone when nothing changes", async () => {
      expect(Object.keys(before).sort()).toEqual([
        "clickhouse",
        "collector",
        "front",
        "keeper",
        "migrator",
        "migrator-async",
        "signoz",
      ]);
      expect(await recreated({})).toEqual([]);
    });

    it("before SigNoz Cloud runs no store, and recreates only what it concerns", async () => {
      const config = {
        backend: "cloud",
        cloudEndpoint: "ingest.eu.signoz.cloud:443",
        adminEmail: "",
      };
      const inCloud = await hashes(config, "cloud-key-0001");
      expect(Object.keys(inCloud).sort()).toEqual(["collector", "front", "sender"]);
      const after = async (change: Record<string, unknown>) => {
        const changed = await hashes({ ...config, ...change }, "cloud-key-0001");
        return Object.keys(changed).filter((service) => changed[service] !== inCloud[service]);
      };
      expect(await after({})).toEqual([]);
      expect(await after({ haproxyVersion: "3.2.27" })).toEqual(["front", "sender"]);
      expect(await after({ collectorVersion: "v0.144.8" })).toEqual(["collector"]);
      writeFileSync(join(dir, "secrets/sender.env"), "SENDER_KEY=another\n");
      expect(await after({})).toEqual(["sender"]);
    });

    it.each([
      ["signozVersion", "v0.139.0", ["signoz"]],
      ["collectorVersion", "v0.144.8", ["collector", "migrator", "migrator-async"]],
      ["haproxyVersion", "3.2.27", ["front"]],
      ["clickhouseVersion", "25.12.6", ["clickhouse", "keeper"]],
      ["keepContent", true, ["collector"]],
      ["dailyBudgetUsd", 75, []],
      ["retentionDaysLogs", 14, ["collector"]],
      ["ingestionKeyGenerations", ["2026-11", "2026-12"], []],
    ])("%s recreates only what it concerns", async (key, value, services) => {
      expect(await recreated({ [key]: value })).toEqual(services);
    });
  },
);
