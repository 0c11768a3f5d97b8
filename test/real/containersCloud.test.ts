import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signals } from "../../simulator/otlp";
import { CloudMachine, cloudKey } from "./machine/cloudMachine";
import { machineMissing } from "./machine/machine";
import { defaultMemory } from "./machine/memory";
import { levels, sample, valuesOf } from "./otlp";
import { recordsOf } from "./signozCloud";

const missing = machineMissing();
const suite = missing ? describe.skip : describe;
const running = ["collector", "front", "sender"] as const;
const soon = { timeout: 120_000, interval: 500 };

suite(`the gate before SigNoz Cloud in real containers${missing && ` (${missing})`}`, () => {
  let machine: CloudMachine;
  let secrets: Record<string, string>;
  const apply = async () => {
    await machine.deliver(secrets);
    return machine.startup({ patience: 30 });
  };
  const arrived = () => machine.cloud.records();
  const send = async (times: number, key: string) => {
    const client = machine.client();
    for (let i = 0; i < times; i++)
      for (const signal of signals) expect(await client.send(signal, sample(signal), key)).toBe(0);
    client.close();
  };

  beforeAll(async () => {
    machine = await CloudMachine.startCloud();
    secrets = machine.secrets();
    machine.setMemory(defaultMemory.machine);
    await machine.cloud.start();
  });
  afterAll(() => machine?.stop());

  it("comes up with a sender in the store's place, and a second time with no change", async () => {
    const first = await apply();
    expect(first, first.output).toMatchObject({ status: 0 });
    for (const service of running)
      await expect
        .poll(() => machine.inspect(service, "{{.State.Health.Status}}"), soon)
        .toBe("healthy");
    const names = machine.sh("docker ps --all --format '{{.Names}}'").trim().split("\n").sort();
    expect(names).toEqual(running.map((name) => `monitoring-${name}-1`));
    const second = await apply();
    expect(second.output).toContain("services=unchanged");
    expect(second.status).toBe(0);
  });

  it("gives the key of SigNoz Cloud to the sender alone", { tags: "attack/machine" }, () => {
    const finds = (service: (typeof running)[number], text: string) =>
      machine
        .within(
          service,
          `grep -rsqF '${text}' /etc /run /var/lib /root /home /mnt /tmp || tr '\\0' '\\n' </proc/1/environ | grep -qF '${text}' && echo found`,
        )
        .output.includes("found");
    expect(running.filter((service) => finds(service, cloudKey))).toEqual(["sender"]);
    expect(running.filter((service) => finds(service, "shared-key-1"))).toEqual(["front"]);
  });

  it("confines the sender like the others", { tags: "attack/machine" }, () => {
    const confined = readFileSync(join(__dirname, "containers/confined.sh"), "utf8");
    const none = "0000000000000000";
    expect(machine.within("sender", confined).output.split(/\s+/).filter(Boolean)).toEqual([
      "10004",
      "10004",
      none,
      none,
      "1",
    ]);
  });

  const dial = (service: (typeof running)[number], targets: Record<string, [string, number]>) =>
    machine
      .within(
        service,
        readFileSync(join(__dirname, "containers/dial.sh"), "utf8"),
        ...Object.entries(targets).map(([name, target]) => [name, ...target].join(",")),
      )
      .output.split("\n")
      .filter(Boolean)
      .sort();
  const away: Record<string, [string, number]> = {
    cloud: ["203.0.113.7", 443],
    mail: ["203.0.113.7", 587],
    private: ["10.0.0.1", 443],
    "DNS-of-metadata": ["169.254.169.254", 53],
    metadata: ["169.254.169.254", 80],
    "metadata-by-IPv6": ["fd20:ce::254", 80],
    machine: ["10.0.0.2", 4317],
    "other-card": ["172.17.0.1", 4317],
  };

  it.each([
    ["collector", []],
    ["front", []],
    ["sender", ["DNS-of-metadata", "cloud"]],
  ] as const)(
    "%s reaches beyond the machine %j",
    { tags: "attack/machine" },
    (service, reached) => {
      expect(dial(service, away)).toEqual(reached);
    },
  );

  it("keeps only containers from it: the machine itself reaches all", () => {
    for (const [what, [ip, port]] of Object.entries(away))
      expect(
        machine.sh(
          `timeout 3 bash -c "exec 3<>/dev/tcp/${ip}/${port}" 2>&1 && echo reached || true`,
        ),
        what,
      ).toContain("reached");
  });

  it.each([
    ["collector", ["front:4317", "front:8404", "sender:4318"]],
    ["front", ["collector:4317"]],
    ["sender", []],
  ] as const)("%s reaches of the others %j", { tags: "attack/machine" }, (service, reached) => {
    const listeners: [string, number][] = [
      ["collector", 4317],
      ["collector", 13133],
      ["front", 4317],
      ["front", 8404],
      ["sender", 4318],
      ["sender", 8404],
    ];
    const targets = Object.fromEntries(
      listeners.filter(([other]) => other !== service).map((target) => [target.join(":"), target]),
    );
    expect(dial(service, targets)).toEqual(reached);
  });

  it("takes telemetry from outside to SigNoz Cloud, with the key's owner on it", async () => {
    await send(1, "first.last.5e3f0b61c2");
    await expect.poll(arrived, soon).toEqual(recordsOf(1));
    const { resource } = levels(machine.cloud.received());
    expect(valuesOf(resource, "engineer")).toContain("first.last");
  });

  it("keeps what came while SigNoz Cloud was away, through a restart of the collector", async () => {
    await machine.cloud.stop();
    await send(5, "shared-key-1");
    machine.sh("docker restart monitoring-collector-1 >/dev/null");
    await machine.cloud.start();
    await expect.poll(arrived, soon).toEqual(recordsOf(6));
  });

  it("tells of a key that SigNoz Cloud does not know, takes telemetry all the same, and sends it with the right key", async () => {
    secrets[machine.keyVersion] = "another-key-0001";
    const refused = await apply();
    expect(refused.status).toBe(1);
    expect(refused.output).toMatch(
      /stage=content status=failed error=SigNoz Cloud at ingest.test:443 refuses monitoring:cloudIngestionKey \(HTTP 401\)/,
    );
    await send(2, "shared-key-1");
    expect(arrived()).toEqual(recordsOf(6));
    secrets[machine.keyVersion] = cloudKey;
    const mended = await apply();
    expect(mended, mended.output).toMatchObject({ status: 0 });
    expect(mended.output).toContain("services=sender");
    await expect.poll(arrived, soon).toEqual(recordsOf(8));
  });

  it("leaves no key of SigNoz Cloud in what it logs", () => {
    const logs = machine.sh(
      "for one in collector front sender; do docker logs monitoring-$one-1 2>&1; done",
    );
    expect(logs).not.toContain(cloudKey);
    expect(logs).not.toContain("another-key-0001");
  });
});
