import { defineConfig } from "vitest/config";

// A real control plane under the real provider. Its parts take half an hour to build once, so it is apart from test:real.
export default defineConfig({
  test: {
    globalSetup: "test/gke/parts.ts",
    include: ["test/gke/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 600_000,
  },
});
