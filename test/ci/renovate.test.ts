import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

interface Manager {
  description: string;
  managerFilePatterns: string[];
  matchStrings: string[];
}
const { customManagers, packageRules, schedule } = JSON.parse(
  readFileSync("renovate.json", "utf8"),
) as {
  customManagers: Manager[];
  packageRules: { matchPackageNames?: string[]; groupName?: string }[];
  schedule: string[];
};
const files = [".", "docs", "infra/config", "scripts/ci", "test/real/parts"].flatMap((folder) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(folder, entry.name)),
);

describe("renovate.json", () => {
  it("puts everything into one pull request a week", () => {
    expect(schedule).toEqual(["before 6am on monday"]);
    expect(packageRules[0]).toMatchObject({ matchPackageNames: ["*"], groupName: "everything" });
    expect(packageRules.filter(({ groupName }) => groupName)).toHaveLength(1);
  });

  it.each(customManagers.map((manager) => [manager.description, manager] as const))(
    "finds the versions that no package file names: %s",
    (_, { managerFilePatterns, matchStrings }) => {
      for (const pattern of managerFilePatterns) {
        const named = files.filter((file) => new RegExp(pattern.slice(1, -1)).test(file));
        expect(named.length, pattern).toBeGreaterThan(0);
      }
      const texts = files
        .filter((file) => managerFilePatterns.some((it) => new RegExp(it.slice(1, -1)).test(file)))
        .map((file) => readFileSync(file, "utf8"));
      for (const match of matchStrings) {
        const found = texts.flatMap((text) => [...text.matchAll(new RegExp(match, "g"))]);
        expect(found.length, match).toBeGreaterThan(0);
        for (const { groups } of found) expect(groups?.currentValue).toMatch(/^v?\d+\.\d+\.\d+$/);
      }
    },
  );

  it("updates a version in every place that names it", () => {
    for (const key of ["signozVersion", "collectorVersion", "haproxyVersion"]) {
      const manager = customManagers.find(({ description }) => description.startsWith(key));
      const values = (manager?.matchStrings ?? []).map((match) => {
        for (const file of [
          "infra/config/signoz.ts",
          "infra/config/gate.ts",
          "Pulumi.yaml",
          "docs/configuration.md",
        ]) {
          const [found] = readFileSync(file, "utf8").matchAll(new RegExp(match, "g"));
          if (found) return found.groups?.currentValue;
        }
        return undefined;
      });
      expect(new Set(values).size, `${key}: ${values}`).toBe(1);
      expect(values[0]).toBeDefined();
    }
  });
});
