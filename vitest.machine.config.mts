import { defineConfig } from "vitest/config";

// A whole machine that boots, again and again: one to two hours, and apart from test:real for that reason.
export default defineConfig({
  test: {
    globalSetup: "test/machine/needed.ts",
    include: ["test/machine/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 1_800_000,
  },
});
