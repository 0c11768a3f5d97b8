import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { engineerOf, engineers, idOf } from "../../infra/config/engineers";
import { readSettings } from "../../infra/config/settings";
import { Cloud } from "../../simulator/cloud/cloud";
import { nameFaults } from "../../simulator/cloud/names";
import { fixtureSettings, runProgram } from "../../simulator/program";
import { stackNames } from "../stackNames";

const longest = stackNames.taken.at(-1) as string;

it.each(stackNames.taken)("Google takes every name of a stack called %s", async (stack) => {
  vi.resetModules();
  const local = `${"x".repeat(31)}.+_-${"9".repeat(29)}`;
  const { resources } = await runProgram({
    stack,
    config: {
      personalKeyEmails: [`${local}@palindrom.example`, "a@b.example"],
      otlpHost: `${"gate-".repeat(12)}x.palindrom.example`,
      dnsZone: "zone",
    },
  });
  expect(resources.filter(({ name }) => name.includes(stack)).length).toBeGreaterThan(10);
});

it.each(stackNames.refused)(
  "a stack called %s is refused, since Google would refuse its names",
  (stack) => {
    fixtureSettings();
    pulumi.runtime.setMocks(new Cloud(), "monitoring", stack);
    expect(readSettings).toThrow(`stack name ${JSON.stringify(stack)}`);
  },
);

it("every address that the configuration takes makes a secret's name that Google takes", () => {
  const read = (text: string): boolean => {
    try {
      engineers.personalKeyEmails.kind.read(JSON.stringify([text]));
      return true;
    } catch {
      return false;
    }
  };
  let accepted = 0;
  const local = fc.string({ unit: fc.constantFrom(..."abXY09._+-'&é @/"), maxLength: 70 });
  fc.assert(
    fc.property(local, (name) => {
      const address = `${name}@palindrom.example`;
      if (!read(address)) return;
      accepted += 1;
      const secretId = `monitoring-signoz-ingestion-key-${idOf(engineerOf(address))}-secret-${longest}`;
      expect(nameFaults("gcp:secretmanager/secret:Secret", { secretId })).toEqual([]);
    }),
    { numRuns: 2000 },
  );
  expect(accepted).toBeGreaterThan(50);
});
