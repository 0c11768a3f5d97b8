import { defineConfig } from "vitest/config";
import attacks from "./test/attacks.json" with { type: "json" };

/** Files that mostly wait, for an engine, a container or a client's own intervals. */
const waiting = [
  "bootstrap",
  "claude*",
  "containers*",
  "docs*",
  "drift",
  "engine*",
  "hooks/*",
  "preview",
  "provision",
  "restore",
  "scripts/*",
  "vm*",
].map((name) => `test/real/${name}.test.ts`);

export default defineConfig({
  test: {
    // Kinds of attacks: .ci/attacks.cjs counts the tests of each.
    tags: Object.entries(attacks).map(([name, description]) => ({ name, description })),
    testTimeout: 300_000,
    hookTimeout: 900_000,
    projects: [
      {
        extends: true,
        test: {
          // One file at a time: what is measured, and the parts that are loaded, compete for the same two cores.
          name: "alone",
          include: ["test/real/**/*.test.ts"],
          exclude: waiting,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "waiting", include: waiting, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
