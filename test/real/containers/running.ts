import { expect } from "vitest";
import { ContainerMachine, type Service } from "../machine/containerMachine";
import { defaultMemory } from "../machine/memory";

/** The one machine of all these tests: its start takes minutes. */
export let machine: ContainerMachine;
export let secrets: Record<string, string>;

export const soon = { timeout: 60_000, interval: 500 };

export async function start(made = ContainerMachine.start()) {
  machine = await made;
  secrets = machine.secrets();
  machine.setMemory(defaultMemory.machine);
  const run = await apply();
  expect(run, run.output).toMatchObject({ status: 0 });
}

/** Delivers settings and secrets as they are now, and runs the startup script. */
export async function apply() {
  await machine.deliver(secrets);
  return machine.startup({ patience: 30 });
}

export const state = (service: Service) =>
  machine.inspect(service, "{{.Id}} {{.State.Pid}} {{.State.StartedAt}}");
export const healthy = (service: Service) =>
  expect.poll(() => machine.inspect(service, "{{.State.Health.Status}}"), soon).toBe("healthy");
export const answers = (key = "shared-key-1") =>
  expect
    .poll(() => machine.probe(key), soon)
    .toBe(0)
    .catch((error) => {
      throw new Error(`${error}
${machine.sh("docker ps --all; for name in front collector; do docker logs --tail 9 monitoring-$name-1 2>&1; done")}`);
    });
