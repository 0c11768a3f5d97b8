import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Service, services } from "../machine/containerMachine";
import { apply, healthy, machine } from "./running";

export function networks() {
  const listeners: [Service, number][] = [
    ["keeper", 9181],
    ["clickhouse", 9000],
    ["clickhouse", 8123],
    ["signoz", 8080],
    ["collector", 4317],
    ["collector", 13133],
    ["front", 4317],
    ["front", 8404],
  ];
  const pairs: Record<Service, string[]> = {
    keeper: ["clickhouse:9000", "clickhouse:8123"],
    clickhouse: ["keeper:9181", "signoz:8080"],
    signoz: ["clickhouse:9000", "clickhouse:8123"],
    collector: ["clickhouse:9000", "clickhouse:8123", "front:4317", "front:8404"],
    front: ["collector:4317"],
  };
  const dial = (service: Service, targets: [string, string, number][]) =>
    machine
      .within(
        service,
        readFileSync(join(__dirname, "dial.sh"), "utf8"),
        ...targets.map((target) => target.join(",")),
      )
      .output.split("\n")
      .filter(Boolean)
      .sort();

  it.each(services)(
    "%s reaches its pairs, by name and by address, and nobody else",
    { tags: "attack/machine" },
    (service) => {
      const others = listeners.filter(([other]) => other !== service);
      const named = others.map(([other, port]): [string, string, number] => [
        `${other}:${port}`,
        other,
        port,
      ]);
      expect(dial(service, named)).toEqual([...pairs[service]].sort());
      const addressed = others.flatMap(([other, port]) =>
        machine
          .inspect(other, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}")
          .split(" ")
          .filter(Boolean)
          .map((ip): [string, string, number] => [`${other}:${port}`, ip, port]),
      );
      expect([...new Set(dial(service, addressed))]).toEqual([...pairs[service]].sort());
    },
  );

  const away: [string, string, number][] = [
    ["metadata", "169.254.169.254", 80],
    ["metadata's DNS", "169.254.169.254", 53],
    ["metadata by IPv6", "fd20:ce::254", 80],
    ["mail", "203.0.113.7", 587],
    ["web", "203.0.113.7", 443],
    ["mail by IPv6", "2001:db8::7", 587],
    ["the machine", "10.0.0.2", 8080],
    ["the machine's other card", "172.17.0.1", 8080],
  ];
  const reach = (service: Service) =>
    dial(
      service,
      away.map(([, ip, port], index) => [String(index), ip, port]),
    ).map((index) => away[Number(index)]?.[0]);

  it.each(services)(
    "%s reaches neither metadata nor machine nor anything beyond",
    { tags: "attack/machine" },
    (service) => {
      expect(reach(service)).toEqual([]);
    },
  );

  it("keep only containers from it: the machine itself reaches all", () => {
    for (const [what, ip, port] of away)
      expect(
        machine.sh(
          `timeout 3 bash -c "exec 3<>/dev/tcp/${ip}/${port}" 2>&1 && echo reached || true`,
        ),
        what,
      ).toContain("reached");
  });

  it("without firewall.sh they would: that is what keeps them", () => {
    machine.sh("nft delete table inet monitoring");
    expect(reach("front")).toEqual(
      expect.arrayContaining(["metadata", "metadata's DNS", "mail", "web", "the machine"]),
    );
    machine.sh("/usr/local/sbin/monitoring-firewall");
    expect(reach("front")).toEqual([]);
  });

  it("with alert mails SigNoz reaches the mail port and a resolver, and nobody else more than before", async () => {
    machine.settings.smtp = { host: "203.0.113.7:587", from: "a@example.com", requireTls: true };
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
    await healthy("signoz");
    expect(reach("signoz").sort()).toEqual(["mail", "metadata's DNS"]);
    for (const service of services.filter((name) => name !== "signoz"))
      expect(reach(service), service).toEqual([]);
    machine.settings.smtp = null;
    expect((await apply()).status).toBe(0);
    await healthy("signoz");
    expect(reach("signoz")).toEqual([]);
  });
}
