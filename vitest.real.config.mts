import { defineConfig } from "vitest/config";
import attacks from "./test/attacks.json" with { type: "json" };

// One file at a time: the parts under test (collector, Claude Code, engine) compete for the same two cores.
export default defineConfig({
  test: {
    // Kinds of attacks: .ci/attacks.cjs counts the tests of each.
    tags: Object.entries(attacks).map(([name, description]) => ({ name, description })),
    include: ["test/real/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
  },
});
