import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ContainedTables } from "../real/machine/containedTables";
import { BootedMachine } from "./bootedMachine";
import { settled, Traffic } from "./traffic";

const version = (number: number) =>
  `projects/p/secrets/monitoring-signoz-ingestion-key-secret-dev/versions/${number}`;

describe("a machine whose plug is pulled", () => {
  let machine: BootedMachine;
  let secrets: Record<string, string>;
  let generation = 1;
  const key = () => `shared-key-${generation}`;
  const traffic = new Traffic("cuts");

  beforeAll(async () => {
    machine = await BootedMachine.made();
    secrets = machine.secrets();
    await machine.powerOn();
  });
  afterAll(() => machine?.stop());

  /** What is under way when the plug is pulled: begins it, and says within how many seconds it is over. */
  const moments: Record<string, () => Promise<number>> = {
    "during the first boot": async () => 180,
    "during a rotation of the key": async () => {
      generation++;
      machine.settings.secrets.ingestionKeys = [version(generation)];
      secrets[version(generation)] = key();
      await machine.deliver(secrets);
      return 15;
    },
    "during a boot": async () => 50,
    "during the boot after that": async () => 20,
    "during an upgrade of the collector": async () => {
      machine.files["exporters.yaml"] += "# upgraded\n";
      await machine.deliver();
      return 30;
    },
    "during a boot with half an upgrade": async () => 50,
    "during an upgrade of everything": async () => {
      machine.files["clickhouse/keeper.xml"] += "<!-- upgraded -->\n";
      await machine.deliver();
      return 60;
    },
    "during a snapshot": async () => {
      await machine.snapshot();
      return 0;
    },
    "under load": async () => 5,
  };
  const [first, ...later] = Object.keys(moments);
  const cuts = Array.from({ length: 28 }, (_, index) =>
    index < 3 ? first : later[(index - 3) % later.length],
  ) as string[];

  /** Sends, and tries keys that are not accepted, until something settles. */
  async function watched(until: Promise<unknown>) {
    let over = false;
    const end = () => {
      over = true;
    };
    until.then(end, end);
    const answers = new Set<number>();
    const trying = async () => {
      for (; !over; await sleep(3000))
        for (const wrong of ["", "another"]) answers.add(await machine.probe(wrong));
    };
    await Promise.all([traffic.during(machine, key(), until), trying()]);
    expect([...answers]).not.toContain(0);
  }

  /** Until it is up by itself, with the newest key accepted and the one before refused. */
  async function up() {
    const applied = machine.applied();
    await watched(applied);
    expect(await machine.probe(key())).toBe(0);
    if (generation > 1) expect(await machine.probe(`shared-key-${generation - 1}`)).toBe(1);
    return applied;
  }

  it.each(cuts.map((moment, index) => [index + 1, moment] as const))(
    "cut %i, %s",
    async (index, moment) => {
      // After a cut in a boot the next boot is the one that is cut.
      const boot = moment.includes("boot") ? null : await up();
      const within = (await moments[moment]?.()) ?? 0;
      const seconds = Math.random() * within;
      await watched(sleep(seconds * 1000));
      await machine.cut();
      await machine.powerOn();
      console.info(
        `cut ${index} ${moment}, after ${seconds.toFixed(1)} s${boot ? `; it was up after ${boot.toFixed(0)} s` : ""}`,
      );
    },
  );

  it("is up after the last one, and a key that was revoked right before it stays so", async () => {
    await up();
    await moments["during a rotation of the key"]?.();
    const revoked = `shared-key-${generation - 1}`;
    while ((await machine.probe(revoked)) !== 1) await sleep(100);
    await machine.cut();
    await machine.powerOn();
    let over = false;
    const applied = machine.applied().finally(() => {
      over = true;
    });
    const answers = new Set<number>();
    while (!over) answers.add(await machine.probe(revoked));
    await applied;
    expect([...answers]).not.toContain(0);
    expect(answers).toContain(1);
  });

  it("has all that it acknowledged", async () => {
    const compared = await settled(traffic, new ContainedTables(machine));
    console.info(
      `${cuts.length} cuts: ${JSON.stringify({ ...compared, lost: compared.lost.length, errors: [...machine.errors] })}`,
    );
    expect(compared.lost).toEqual([]);
    expect(compared.acknowledged).toBeGreaterThan(100);
  });
});
