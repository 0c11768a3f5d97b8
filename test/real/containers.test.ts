import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alone } from "./containers/alone";
import { changes } from "./containers/changes";
import { confinement } from "./containers/confinement";
import { faults } from "./containers/faults";
import { networks } from "./containers/networks";
import { healthy, machine, start } from "./containers/running";
import { services } from "./machine/containerMachine";
import { machineMissing } from "./machine/machine";

const missing = machineMissing();
const suite = missing ? describe.skip : describe;
const because = missing && ` (${missing})`;

suite(`the shipped compose.yaml in real containers${because}`, () => {
  beforeAll(() => start());
  afterAll(() => machine?.stop());

  it("come up in the order of their dependencies, each healthy", async () => {
    for (const service of services) await healthy(service);
    const time = (service: string, what: string) =>
      Date.parse(
        machine.sh(`docker inspect --format '{{${what}}}' monitoring-${service}-1`).trim(),
      );
    const began = (service: string) => time(service, ".State.StartedAt");
    expect(began("clickhouse")).toBeGreaterThan(began("keeper"));
    expect(began("migrator")).toBeGreaterThan(began("clickhouse"));
    for (const service of ["signoz", "collector", "migrator-async"])
      expect(began(service)).toBeGreaterThan(time("migrator", ".State.FinishedAt"));
  });

  it("take telemetry from outside: over TLS, with an accepted key only, through the front into the collector", async () => {
    expect(
      ["shared-key-1", "first.last.5e3f0b61c2", "another-key-1"].map((key) => machine.probe(key)),
    ).toEqual([0, 0, 1]);
  });

  describe("confinement", confinement);
  describe("networks", networks);
  describe("faults", faults);
  describe("a change", changes);
  describe("SigNoz alone", alone);
});
