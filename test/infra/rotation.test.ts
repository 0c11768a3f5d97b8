import { describe, expect, it } from "vitest";
import { type State, standing } from "../../infra/handover.js";
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
  const states = ["cloud", "vm", "vm write", "vm read", "gke", "gke write", "gke read"];
  const stateOf = (name: string) => {
    const [backend, handover] = name.split(" ");
    return { backend, ...(handover && { handover }) } as State;
  };
  /** What may follow what, and to where a person who wants more is sent. */
  const steps: Record<string, string[]> = {
    vm: ["gke write", "vm read"],
    "gke write": ["gke read", "vm read"],
    "gke read": ["gke", "gke write", "vm write"],
    gke: ["gke read"],
    "vm write": ["vm read", "gke read"],
    "vm read": ["vm", "vm write", "gke write"],
  };
  const pairs = states.flatMap((before) => states.map((wanted) => [before, wanted] as const));
  const isAllowed = (before: string, wanted: string) =>
    before === wanted || (steps[before]?.includes(wanted) ?? false);

  it.each(pairs.filter(([before, wanted]) => isAllowed(before, wanted)))(
    "lets through: %s, then %s",
    (before, wanted) => {
      expect(() => refuseOtherBackend(stateOf(before), stateOf(wanted))).not.toThrow();
    },
  );

  const refused = pairs.filter(([before, wanted]) => !isAllowed(before, wanted));
  it.each(refused)("refuses, and names what leads there: %s, then %s", (before, wanted) => {
    const ways = waysOf(before, wanted);
    const told = messageOf(before, wanted);
    if (ways.length === 0) expect(told).toContain("make a new stack beside this one");
    const named = (ways.length === 0 ? [before] : ways).map((way) => {
      const { backend, handover } = stateOf(way);
      return `pulumi config set monitoring:backend ${backend} && pulumi config ${handover ? `set monitoring:handover ${handover}` : "rm monitoring:handover"}`;
    });
    expect(named).toContain(/pulumi config set .*$/.exec(told)?.[0]);
  });

  function messageOf(before: string, wanted: string): string {
    try {
      refuseOtherBackend(stateOf(before), stateOf(wanted));
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  }

  /** The first steps of the shortest ways from one to the other. */
  function waysOf(before: string, wanted: string): string[] {
    const lengthFrom = (from: string, seen: string[]): number =>
      from === wanted
        ? 0
        : Math.min(
            ...(steps[from] ?? [])
              .filter((next) => !seen.includes(next))
              .map((next) => 1 + lengthFrom(next, [...seen, next])),
          );
    const lengths = (steps[before] ?? []).map((step) => lengthFrom(step, [before, step]));
    const least = Math.min(...lengths);
    return (steps[before] ?? []).filter(
      (_, index) => least < Number.POSITIVE_INFINITY && lengths[index] === least,
    );
  }

  it("leads back from every step, and changes one thing at a time", () => {
    const changed = (one: string, two: string) => {
      const [first, second] = [standing(stateOf(one)), standing(stateOf(two))];
      return [first.write !== second.write, first.read !== second.read].filter(Boolean).length;
    };
    for (const [before, next] of Object.entries(steps))
      for (const wanted of next) {
        expect([before, wanted, changed(before, wanted) < 2]).toEqual([before, wanted, true]);
        // Whoever goes is neither written to nor read.
        const { write, read } = standing(stateOf(before));
        const { stand } = standing(stateOf(wanted));
        expect([before, wanted, stand]).toEqual([before, wanted, expect.arrayContaining([write])]);
        expect([before, wanted, stand]).toEqual([before, wanted, expect.arrayContaining([read])]);
        expect([before, wanted, waysOf(wanted, before).length > 0]).toEqual([before, wanted, true]);
      }
  });

  it.each([
    ["a first deployment", undefined, "cloud"],
    ["a stack of the time of one backend", {}, "vm"],
  ])("lets through: %s", (_what, deployed, wanted) => {
    expect(() => refuseOtherBackend(deployed, stateOf(wanted))).not.toThrow();
  });

  it.each([
    ["a handover of a new stack", undefined, "gke write", "this one is new"],
    ["SigNoz Cloud in place of a ClickHouse", { backend: "vm" }, "cloud", "a new stack beside"],
    ["the same for a stack of the time of one backend", {}, "cloud", "a new stack beside"],
    ["a cluster all at once", { backend: "vm" }, "gke", "does not follow"],
  ] as const)("refuses: %s", (_what, deployed, wanted, reason) => {
    expect(() => refuseOtherBackend(deployed, stateOf(wanted))).toThrow(reason);
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
