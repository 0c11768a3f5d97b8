import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Service, services } from "../machine/containerMachine";
import { defaultMemory } from "../machine/memory";
import { machine } from "./running";

export function confinement() {
  it.each<[Service, string, number]>([
    ["keeper", "101", 256],
    ["clickhouse", "101", defaultMemory.clickhouse],
    ["signoz", "10003", 1024],
    ["collector", "10001", defaultMemory.collector],
    ["front", "10002", defaultMemory.front],
  ])(
    "of %s: user %s, no capability, nothing to write to, %i MiB",
    { tags: "attack/machine" },
    (service, user, mib) => {
      const { output } = machine.within(
        service,
        readFileSync(join(__dirname, "confined.sh"), "utf8"),
      );
      expect(output.split(/\s+/).filter(Boolean)).toEqual([
        user,
        user,
        "0000000000000000",
        "0000000000000000",
        "1",
      ]);
      const limits = "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}";
      expect(machine.inspect(service, limits)).toBe(`${mib * 2 ** 20} unless-stopped`);
    },
  );

  it.each<[string, string, Service[]]>([
    ["an ingestion key", "shared-key-1", ["front"]],
    ["the certificate's key", "PRIVATE KEY", ["front"]],
    ["SigNoz' password for ClickHouse", "signozPassword0001", ["signoz"]],
    ["the collector's password for ClickHouse", "collectorPassword1", ["collector"]],
    ["the password of migrations", "migratorPassword01", []],
    ["the password hashes", "password_sha256_hex", ["clickhouse"]],
    ["the admin's password", "Admin$1", ["signoz"]],
    ["the project's settings", "monitoring-signoz-admin-secret", []],
  ])("%s is read by its one reader", { tags: "attack/machine" }, (_, text, readers) => {
    const finds = (service: Service) =>
      machine
        .within(
          service,
          `grep -rsqF '${text}' /etc /run /var/lib /root /home /mnt /tmp || tr '\\0' '\\n' </proc/1/environ | grep -qF '${text}' && echo found`,
        )
        .output.includes("found");
    expect(services.filter(finds)).toEqual(readers);
  });
}
