import { defineConfig } from "vitest/config";

// One file at a time: the parts under test (collector, Claude Code, engine) compete for the same two cores.
export default defineConfig({
  test: {
    include: ["test/real/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
  },
});
