import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { apply, healthy, machine, secrets } from "./running";

/** Beyond the machine's card, as an internal load balancer is. */
const clickhouse = "10.0.0.1";

/** What is left when gate and ClickHouse run elsewhere, and what a machine is from the start that never had them. */
export function alone() {
  const containers = () =>
    machine.sh("docker ps --all --format '{{.Names}}'").trim().split("\n").sort();
  const kept = () => machine.sh("ls /var/lib/monitoring/secrets").trim().split("\n");
  const alone = async () => {
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
    await healthy("signoz");
    expect(containers()).toEqual(["monitoring-signoz-1"]);
    expect(kept()).toEqual(["admin.json", "signoz.env"]);
    return run.output;
  };

  it("ends gate and ClickHouse, and forgets their secrets", async () => {
    const { signozAdmin, clickhouse: passwords } = machine.settings.secrets;
    machine.settings.secrets = { signozAdmin, clickhouse: passwords } as never;
    machine.settings.parts = ["signoz"];
    machine.settings.clickhouseHost = clickhouse;
    await alone();
    expect(machine.sh("ls /var/lib/monitoring").split("\n")).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(gate|front)$/)]),
    );
  });

  it("has SigNoz ask ClickHouse there, and reach nobody else by that", {
    tags: "attack/machine",
  }, () => {
    expect(machine.within("signoz", "echo $SIGNOZ_TELEMETRYSTORE_CLICKHOUSE_DSN").output).toBe(
      `tcp://signoz:signozPassword0001@${clickhouse}:9000\n`,
    );
    const places = [`${clickhouse}/9000`, `${clickhouse}/443`, "203.0.113.7/9000"];
    const dial = readFileSync(join(__dirname, "dial.sh"), "utf8");
    const named = places.map((place) => `${place},${place.replace("/", ",")}`);
    expect(machine.within("signoz", dial, ...named).output).toBe(`${places[0]}\n`);
    for (const place of places) machine.sh(`timeout 3 bash -c "exec 3<>/dev/tcp/${place}"`);
  });

  it("is left as it is by a second startup", async () =>
    expect(await alone()).toContain("services=unchanged"));

  it("comes up on a new machine with a blank disk, which asks for no secret of others", async () => {
    machine.sh(
      "docker rm --force monitoring-signoz-1; rm -rf /var/lib/monitoring /mnt/monitoring/*",
    );
    await machine.forget();
    await alone();
    const { asked } = await machine.observed();
    expect([...new Set(asked.map(({ version }) => version))].sort()).toEqual(
      [machine.settings.secrets.clickhouse, machine.settings.secrets.signozAdmin].sort(),
    );
    expect(Object.keys(secrets).length).toBeGreaterThan(2);
  });
}
