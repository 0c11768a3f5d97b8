import { defineConfig } from "vitest/config";
import attacks from "./test/attacks.json" with { type: "json" };

export default defineConfig({
  test: {
    // Kinds of attacks: .ci/attacks.cjs counts the tests of each.
    tags: Object.entries(attacks).map(([name, description]) => ({ name, description })),
    // Half of the time is spent waiting for shells, so three files at once keep two cores busy.
    maxWorkers: 3,
    // Loading Pulumi's packages for each file again would be a third of the time.
    isolate: false,
    setupFiles: ["test/freshModules.ts"],
    include: ["test/**/*.test.ts"],
    exclude: ["test/real/**", "test/machine/**", "test/gke/**"],
    // Ends what hangs; on a machine that does ten other things a test takes thirty times as long.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
