import { describe, expect, it } from "vitest";
import {
  refuseLostLatest,
  refuseOtherBackend,
  refuseUntrustedSigner,
} from "../../infra/rotation.js";

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

describe("refuseOtherBackend", () => {
  it.each([
    ["first deployment", undefined, "cloud"],
    ["no change", { backend: "cloud" }, "cloud"],
    ["a stack of the time of one backend", {}, "vm"],
  ] as const)("lets through: %s", (_what, deployed, wanted) => {
    expect(() => refuseOtherBackend(deployed, wanted)).not.toThrow();
  });

  it.each([
    ["SigNoz Cloud in place of a ClickHouse", { backend: "vm" }, "cloud", "vm"],
    ["the same for a stack of the time of one backend", {}, "cloud", "vm"],
    ["a ClickHouse in place of SigNoz Cloud", { backend: "cloud" }, "vm", "cloud"],
  ] as const)("refuses: %s", (_what, deployed, wanted, before) => {
    expect(() => refuseOtherBackend(deployed, wanted)).toThrow(
      `monitoring:backend = "${wanted}" would take the place of "${before}"`,
    );
    expect(() => refuseOtherBackend(deployed, wanted)).toThrow(/make a new stack beside this one/);
  });
});

describe("refuseUntrustedSigner", () => {
  it.each([
    ["first deployment", [], ["1"]],
    ["no change", ["1"], ["1"]],
    ["a successor is told", ["1"], ["1", "2"]],
    ["the successor signs", ["1", "2"], ["2"]],
    ["and has a successor of its own", ["1", "2"], ["2", "3"]],
    ["a change of mind", ["1", "2"], ["1"]],
  ])("lets through: %s", (_what, deployed, wanted) => {
    expect(() => refuseUntrustedSigner(deployed, wanted)).not.toThrow();
  });

  it.each([
    ["both steps in one", ["1"], ["2"]],
    ["a stranger in front", ["1"], ["2", "1"]],
    ["a successor passed over", ["1", "2"], ["3"]],
  ])("refuses: %s", (_what, deployed, wanted) => {
    expect(() => refuseUntrustedSigner(deployed, wanted)).toThrow(
      `lets "${wanted[0]}" sign, which no client trusts yet: every engineer would be cut off; put it behind "1"`,
    );
  });
});
