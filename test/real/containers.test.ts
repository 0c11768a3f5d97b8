import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueCertificate } from "../../simulator/certificate";
import { ContainerMachine, type Service, services } from "./machine/containerMachine";
import { host } from "./machine/delivered";
import { machineMissing } from "./machine/machine";

const missing = machineMissing();
const suite = missing ? describe.skip : describe;
const because = missing && ` (${missing})`;
const here = (name: string) => join(__dirname, "containers", name);
const text = (name: string) => readFileSync(here(name), "utf8");
const soon = { timeout: 60_000, interval: 500 };
const version = (what: string, number: number) =>
  `projects/p/secrets/monitoring-${what}-secret-dev/versions/${number}`;

suite(`the shipped compose.yaml in real containers${because}`, () => {
  let machine: ContainerMachine;
  let secrets: Record<string, string>;
  const state = (service: Service) =>
    machine.inspect(service, "{{.Id}} {{.State.Pid}} {{.State.StartedAt}}");
  const healthy = (service: Service) =>
    expect.poll(() => machine.inspect(service, "{{.State.Health.Status}}"), soon).toBe("healthy");
  const answers = (key = "shared-key-1") =>
    expect
      .poll(() => machine.probe(key), soon)
      .toBe(0)
      .catch((error) => {
        throw new Error(`${error}
${machine.sh("docker ps --all; for name in front collector; do docker logs --tail 9 monitoring-$name-1 2>&1; done")}`);
      });
  /** Delivers settings and secrets as they are now, and runs the startup script. */
  async function apply() {
    await machine.deliver(secrets);
    return machine.startup({ patience: 30 });
  }

  beforeAll(async () => {
    machine = await ContainerMachine.start();
    secrets = machine.secrets();
    machine.setMemory(7936);
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
  });
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

  describe("confinement", () => {
    it.each<[Service, string, number]>([
      ["keeper", "101", 256],
      ["clickhouse", "101", 3302],
      ["signoz", "10003", 1024],
      ["collector", "10001", 1322],
      ["front", "10002", 496],
    ])(
      "of %s: user %s, no capability, nothing to write to, %i MiB",
      { tags: "attack/machine" },
      (service, user, mib) => {
        const { output } = machine.within(service, text("confined.sh"));
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
  });

  describe("networks", () => {
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
        .within(service, text("dial.sh"), ...targets.map((target) => target.join(",")))
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
  });

  describe("faults", () => {
    it.each(services)("%s killed is back, and the gate answers", async (service) => {
      const pid = machine.inspect(service, "{{.State.Pid}}");
      machine.sh(`kill -KILL ${pid}`);
      await expect
        .poll(() => machine.inspect(service, "{{.State.Running}} {{.State.Pid}}"), soon)
        .toMatch(new RegExp(`true (?!${pid}$)\\d`));
      await healthy(service);
      await answers();
    });

    it.each<Service>(["front", "collector"])(
      "%s over its memory is killed and back",
      async (service) => {
        const before = state(service);
        // The kernel picks process 1, as it would were it the one that grew.
        machine.within(service, "echo 1000 >/proc/1/oom_score_adj; tail /dev/zero");
        await expect.poll(() => state(service), soon).not.toBe(before);
        await healthy(service);
        await answers();
        const events = machine.sh(
          "timeout 5 docker events --since 2m --until 0s --filter event=oom --format '{{.Actor.Attributes.name}}'",
        );
        expect(events).toContain(`monitoring-${service}-1`);
      },
    );

    it("a front without collector listens at once and says: try again", async () => {
      machine.sh("docker stop monitoring-collector-1; docker restart monitoring-front-1");
      const said = () =>
        machine.onTheOutside(
          `head -c 5 /dev/zero | curl --silent --insecure --http2 --max-time 5 --output /dev/null --dump-header - --header 'signoz-ingestion-key: shared-key-1' --header 'content-type: application/grpc' --data-binary @- https://10.0.0.2:4317/opentelemetry.proto.collector.logs.v1.LogsService/Export || true`,
        );
      await expect.poll(said, { timeout: 3000 }).toMatch(/grpc-status: 14/);
      machine.sh("docker start monitoring-collector-1");
      await answers();
    });

    it("logs without end stay below 30 MB", () => {
      machine.within(
        "collector",
        "yes 0123456789012345678901234567890123456789 | head -c 40000000 >/proc/1/fd/2",
      );
      const folder = machine.inspect("collector", "{{.LogPath}}").replace(/[^/]*$/, "");
      const sizes = machine
        .sh(`stat --format %s ${folder}*-json.log*`)
        .trim()
        .split("\n")
        .map(Number);
      expect(sizes).toHaveLength(3);
      for (const size of sizes) expect(size).toBeLessThan(10_100_000);
    });

    it("a Docker daemon that is away for long, then starts anew, leaves the gate open, and names are resolved again", async () => {
      const before = services.map(state);
      await machine.stopDocker();
      // HAProxy gives up a name that nobody answers for after half a minute, unless it is told otherwise.
      await sleep(40_000);
      expect(machine.probe("shared-key-1")).toBe(0);
      await machine.startDocker();
      expect(services.map(state)).toEqual(before);
      const resolved = () =>
        Number(
          /valid:\s+(\d+)/.exec(
            machine.sh(
              "echo show resolvers | socat - UNIX-CONNECT:/var/lib/monitoring/front/admin.sock",
            ),
          )?.[1],
        );
      const once = resolved();
      await expect.poll(resolved, soon).toBeGreaterThan(once);
    });
  });

  describe("a change", () => {
    const served = () =>
      machine.onTheOutside(
        `openssl s_client -connect 10.0.0.2:4317 -servername ${host} -alpn h2 </dev/null 2>/dev/null | openssl x509 -noout -serial`,
      );

    it("of keys and certificate is in force with no restart of anything", async () => {
      const before = services.map(state);
      const old = served();
      const renewed = await issueCertificate([host]);
      machine.settings.secrets.ingestionKeys = [version("signoz-ingestion-key", 2)];
      machine.settings.secrets.tls = version("tls", 2);
      secrets = {
        ...secrets,
        [version("signoz-ingestion-key", 2)]: "shared-key-2",
        [version("tls", 2)]: renewed.pem,
      };
      const run = await apply();
      expect(run, run.output).toMatchObject({ status: 0 });
      expect(["shared-key-1", "shared-key-2"].map((key) => machine.probe(key, renewed.ca))).toEqual(
        [1, 0],
      );
      expect(served()).not.toBe(old);
      expect(services.map(state)).toEqual(before);
      machine.certificate.ca = renewed.ca;
    });

    const build = (lines: string, name: string) =>
      machine.sh(
        `DOCKER_BUILDKIT=0 docker build --network none --quiet --tag ${name} - >/dev/null`,
        lines,
      );

    it("of a tag runs the new image, and only there", async () => {
      const before = services.map(state);
      const image = machine.settings.images.collector.replace(/:.*/, ":v0.144.8");
      build(`FROM ${machine.settings.images.collector}\nLABEL upgraded=yes\n`, image);
      machine.settings.images.collector = image;
      const run = await apply();
      expect(run, run.output).toMatchObject({ status: 0 });
      expect(machine.inspect("collector", '{{index .Config.Labels "upgraded"}}')).toBe("yes");
      await answers("shared-key-2");
      const changed = services.filter((name, index) => state(name) !== before[index]);
      expect(
        changed.filter((name) => name !== "collector" && name !== "signoz" && name !== "front"),
      ).toEqual([]);
    });

    it("to an image that does not start goes back to the one before", async () => {
      const { collector } = machine.settings.images;
      const broken = collector.replace(/:.*/, ":v0.144.9");
      build(`FROM ${collector}\nUSER 0\nRUN rm /signoz-otel-collector\n`, broken);
      machine.settings.images.collector = broken;
      const run = await apply();
      expect(run, run.output).toMatchObject({ status: 1 });
      expect(run.output).toMatch(/the new version did not come up .*the previous one runs/);
      expect(machine.inspect("collector", "{{.Config.Image}}")).toBe(collector);
      await answers("shared-key-2");
      machine.settings.images.collector = collector;
      expect((await apply()).status).toBe(0);
    });

    it("of what a tag means is refused, and what runs goes on", {
      tags: "attack/machine",
    }, async () => {
      const { front } = machine.settings.images;
      const known = machine.sh(`docker image inspect --format '{{.Id}}' ${front}`).trim();
      const before = services.map(state);
      build(`FROM ${front}\nLABEL moved=yes\n`, front);
      const run = await apply();
      expect(run, run.output).toMatchObject({ status: 1 });
      expect(run.output).toMatch(/is no longer the one that this machine pulled first/);
      expect(services.map(state)).toEqual(before);
      machine.sh(`docker tag ${known} ${front}`);
      expect((await apply()).status).toBe(0);
    });

    it.each<[string, RegExp, string, string]>([
      ["the host's network", /service front/, "networks: [public, gate]", "network_mode: host"],
      ["no network of ours", /network default/, "    networks: [public, gate]\n", ""],
      ["the host's processes", /service signoz/, "mem_limit: 1g", "mem_limit: 1g\n    pid: host"],
      ["the host's names", /service signoz/, "mem_limit: 1g", "mem_limit: 1g\n    uts: host"],
      ["no memory limit", /service signoz/, "    mem_limit: 1g\n", ""],
      ["privileges", /service signoz/, "mem_limit: 1g", "mem_limit: 1g\n    privileged: true"],
      [
        "a capability",
        /service signoz/,
        "mem_limit: 1g",
        "mem_limit: 1g\n    cap_add: [NET_ADMIN]",
      ],
      ["a device", /service signoz/, "mem_limit: 1g", "mem_limit: 1g\n    devices: [/dev/null]"],
      ["root", /service signoz/, '"10003:10003"', '"0:0"'],
      ["a root to write to", /service keeper/, "read_only: true", "read_only: false"],
      [
        "no filter of system calls",
        /service keeper/,
        '["no-new-privileges:true"]',
        '["no-new-privileges:true", "seccomp=unconfined"]',
      ],
      ["the host's files", /service signoz/, "source: /mnt/monitoring/signoz", "source: /etc"],
      [
        "Docker's socket",
        /service front/,
        "source: /var/lib/monitoring/gate",
        "source: /var/run/docker.sock",
      ],
      ["a bridge that the firewall does not know", /network public/, "mon-public", "br-public"],
      [
        "a network without a bridge",
        /network gate/,
        "internal: true\n",
        "internal: true\n  driver: macvlan\n",
      ],
    ])("that gives a container %s is refused", { tags: "attack/machine" }, (_, named, from, to) => {
      const shipped = machine.files["compose.yaml"] ?? "";
      expect(shipped).toContain(from);
      machine.sh("rm -rf /tmp/release; cp -r /var/lib/monitoring/files /tmp/release");
      machine.sh("cat >/tmp/release/compose.yaml", shipped.replace(from, to));
      const said = machine.run(here("contained.sh"), "/tmp/release");
      expect(said).toMatch(/gives more than their own network, files and an unprivileged user to/);
      expect(said).toMatch(named);
    });

    it("that gives a container more than that changes nothing of what runs", async () => {
      const shipped = machine.files["compose.yaml"] ?? "";
      machine.files["compose.yaml"] = shipped.replace(
        "networks: [public, gate]",
        "network_mode: host",
      );
      const before = services.map(state);
      const run = await apply();
      machine.files["compose.yaml"] = shipped;
      expect(run, run.output).toMatchObject({ status: 1 });
      expect(run.output).toMatch(
        /gives more than their own network.*: service front; what runs was left running/,
      );
      expect(services.map(state)).toEqual(before);
    });
  });
});
