import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Half of the time is spent waiting for shells, so three files at once keep two cores busy.
    maxWorkers: 3,
    // Loading Pulumi's packages for each file again would be a third of the time.
    isolate: false,
    setupFiles: ["test/freshModules.ts"],
    include: ["test/**/*.test.ts"],
    exclude: ["test/real/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
