import { describe, expect, it } from "vitest";
import { killEverywhere } from "./kill";

describe("killed at every step", () => {
  it.each([
    ["first", false],
    ["later", true],
  ])(
    "of the %s write, the settings are old or new and the next start recovers",
    async (_what, hadKey) => {
      expect(await killEverywhere(hadKey, 1)).toBeGreaterThan(30);
    },
    300_000,
  );
});
