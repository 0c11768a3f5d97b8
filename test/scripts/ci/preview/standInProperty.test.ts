import { describe, expect, it } from "vitest";
import { redactState } from "../../../../scripts/ci/preview/standIn";
import { derivations, generateState, marked, newSecret, seeded, tells } from "./states";

const states = Number(process.env.STATES ?? 40);
const firstSeed = Number(process.env.SEED ?? 20261125);

/** The copy's text, or why it was refused. */
function attempt({ state, yaml, config }: ReturnType<typeof generateState>) {
  try {
    return { copy: JSON.stringify(redactState(state, yaml, config)) };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

describe("the copy of any state", () => {
  it("tells no secret, and is published, where every secret is under a mark", () => {
    for (let seed = firstSeed; seed < firstSeed + states; seed++) {
      const generated = generateState(seeded(seed), false);
      const { copy, refused } = attempt(generated);
      expect(refused, `seed ${seed}`).toBeUndefined();
      for (const secret of generated.secrets)
        expect(tells(copy ?? "", secret), `seed ${seed}: ${secret}`).toBeUndefined();
    }
  });

  it("tells none where something made of one lies outside the mark: replaced, or refused by its place", {
    tags: "attack/state",
  }, () => {
    const outcomes = { replaced: 0, refused: 0 };
    for (let seed = firstSeed; seed < firstSeed + states; seed++) {
      const generated = generateState(seeded(seed), true);
      const { copy, refused } = attempt(generated);
      if (refused) {
        outcomes.refused++;
        expect(refused, `seed ${seed}`).toMatch(/nothing was published: (urn:pulumi:|state\.)/);
        for (const secret of generated.secrets) expect(refused).not.toContain(secret.trim());
        continue;
      }
      outcomes.replaced++;
      for (const { how, text } of generated.planted)
        expect(copy, `seed ${seed}: ${how}`).not.toContain(JSON.stringify(text).slice(1, -1));
      for (const secret of generated.secrets)
        expect(tells(copy ?? "", secret), `seed ${seed}: ${secret}`).toBeUndefined();
    }
    // Neither answer is given to everything.
    expect(outcomes.refused).toBeGreaterThan(states / 10);
    expect(outcomes.replaced).toBeGreaterThan(0);
  });

  it.each(Object.keys(derivations))(
    "holds against a secret outside its mark, %s",
    { tags: "attack/state" },
    (how) => {
      for (let seed = 0; seed < 4; seed++) {
        const secret = newSecret(seeded(seed));
        const text = derivations[how]?.(secret) ?? "";
        const urn = "urn:pulumi:dev::monitoring::acme:index/thing:Thing::it";
        const thing = (more: object) => ({
          urn,
          type: "acme:index/thing:Thing",
          inputs: {},
          ...more,
        });
        const places = [
          { resources: [thing({ inputs: { secret: marked(secret), note: text } })] },
          { resources: [thing({ outputs: { secret: marked({ a: [secret] }), [text]: 1 } })] },
          {
            resources: [thing({ inputs: { secret: marked(secret) } })],
            pending_operations: [
              { type: "creating", resource: thing({ inputs: { env: [text] } }) },
            ],
          },
        ];
        for (const deployment of places)
          expect(
            () => redactState({ version: 3, deployment }, "config: {}\n", {}),
            `seed ${seed}`,
          ).toThrow(/nothing was published: (urn:pulumi:|state\.)/);
      }
    },
  );
});
