import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Machine, machineMissing } from "./machine/machine";

const missing = machineMissing();
const suite = missing ? describe.skip : describe;

suite(`a thousand engineers' own keys${missing && ` (${missing})`}`, () => {
  let machine: Machine;
  // Not in the order of their names: what the settings say is what counts.
  const engineers = Array.from({ length: 1000 }, (_, index) => `engineer-${(index * 7) % 1000}`);
  const version = (engineer: string) => `projects/p/secrets/key-of-${engineer}-dev/versions/1`;
  const key = (engineer: string) => `${engineer}.${"k".repeat(40)}`;
  const payloads = () => ({
    ...machine.secrets(),
    ...Object.fromEntries(engineers.map((engineer) => [version(engineer), key(engineer)])),
  });
  beforeAll(async () => {
    machine = await Machine.start();
    machine.settings.secrets.engineerKeys = engineers.map(version);
  });
  afterAll(() => machine.stop());
  beforeEach(() => machine.forget());

  it.each([
    ["is missing", undefined, /-500-dev\/versions\/1 cannot be read .*does it exist/],
    ["is empty", "", /-500-dev\/versions\/1 is empty$/],
    ["has several lines", "a-key\nand-more", /-500-dev\/versions\/1 is .* but several lines$/],
    ["is no key", "with blank", /-500-dev\/versions\/1 is not an ingestion key \(8 or more/],
  ])("stop the boot where one %s, and it is named", async (_, payload, words) => {
    const { [version("engineer-500")]: __, ...others } = payloads();
    await machine.deliver(
      payload === undefined ? others : { ...others, [version("engineer-500")]: payload },
    );
    const run = await machine.startup({ patience: 1 });
    const { guest } = await machine.observed();
    expect([run.status, guest.stage], run.output).toEqual([1, "secrets failed"]);
    expect(guest.error).toMatch(words);
    if (payload === undefined)
      expect(run.output).toContain(
        "NOT_FOUND Secret Version [projects/p/secrets/key-of-engineer-500-",
      );
    expect(machine.read("/var/lib/monitoring/gate/keys.map")).toBeNull();
  });

  it.each([401, 429, 503])(
    "are in force in their order, each asked for until it came and no more, whatever is answered %i now and then",
    async (status) => {
      await machine.deliver(payloads());
      await machine.surround({ faults: { secrets: { status, times: 20, every: 50 } } });
      const run = await machine.startup({ patience: 10 });
      expect(run, run.output).toMatchObject({ status: 0 });
      expect(machine.read("/var/lib/monitoring/gate/keys.map")).toBe(
        [...engineers.map((engineer) => `${key(engineer)} ${engineer}\n`), "shared-key-1 -\n"].join(
          "",
        ),
      );
      const { asked } = await machine.observed();
      expect(asked.map(({ version }) => version).sort()).toEqual(Object.keys(payloads()).sort());
      expect(
        [key("engineer-0"), key("engineer-999"), "shared-key-1"].map((one) => machine.probe(one)),
      ).toEqual([0, 0, 0]);
      expect(run.output).toContain(`fault ${status}`);
    },
  );
});
