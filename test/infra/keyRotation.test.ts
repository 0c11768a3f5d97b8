import { describe, expect, it } from "vitest";
import { refuseLostLatest } from "../../infra/keyRotation.js";

describe("refuseLostLatest", () => {
  it.each([
    ["first deployment", [], ["2026-11"]],
    ["no change", ["2026-11"], ["2026-11"]],
    ["a newer generation", ["2026-11"], ["2026-11", "2026-12"]],
    ["the old one retired", ["2026-11", "2026-12"], ["2026-12"]],
    ["the newest revoked as a newer one comes", ["2026-11", "2026-12"], ["2026-11", "2026-13"]],
    ["everything revoked at once", ["2026-11", "2026-12"], ["2027-01"]],
  ])("lets through: %s", (_what, deployed, wanted) => {
    expect(() => refuseLostLatest(deployed, wanted)).not.toThrow();
  });

  it.each([
    ["the newest dropped", ["2026-11", "2026-12"], ["2026-11"], 'drops "2026-12", the newest'],
    [
      "an older one slipped in",
      ["2026-12"],
      ["2026-11", "2026-12"],
      'adds "2026-11" before "2026-12"',
    ],
    ["replaced by an older name", ["2026-12"], ["2026-11"], 'adds "2026-11" before "2026-12"'],
  ])("refuses: %s", (_what, deployed, wanted, reason) => {
    expect(() => refuseLostLatest(deployed, wanted)).toThrow(reason);
    expect(() => refuseLostLatest(deployed, wanted)).toThrow(/sorts after "2026-12"/);
  });
});
