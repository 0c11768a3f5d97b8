import { join } from "node:path";
import { expect, it } from "vitest";
import { issueCertificate } from "../../../simulator/certificate";
import { services } from "../machine/containerMachine";
import { host } from "../machine/delivered";
import { answers, apply, machine, secrets, soon, state } from "./running";

const version = (what: string, number: number) =>
  `projects/p/secrets/monitoring-${what}-secret-dev/versions/${number}`;

export function changes() {
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
    Object.assign(secrets, {
      [version("signoz-ingestion-key", 2)]: "shared-key-2",
      [version("tls", 2)]: renewed.pem,
    });
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(["shared-key-1", "shared-key-2"].map((key) => machine.probe(key, renewed.ca))).toEqual([
      1, 0,
    ]);
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

  it("cut off while a container is replaced is brought up by the next run", async () => {
    const before = state("collector");
    machine.files["exporters.yaml"] += "# changed\n";
    await machine.deliver(secrets);
    const names = () => machine.sh("docker ps --all --format '{{.Names}}'");
    const half = "_monitoring-collector-1";
    const replacing = (async () => {
      await expect.poll(names, { ...soon, interval: 20 }).toContain(half);
    })();
    const cut = machine.startup({ patience: 30, killAt: replacing });
    await replacing;
    machine.sh("pkill --signal KILL --ns $$ --nslist mnt docker-compose");
    expect((await cut).status).toBeNull();
    expect(names()).toContain(half);
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
    await answers("shared-key-2");
    expect(state("collector")).not.toBe(before);
    expect(names()).not.toContain(half);
  });

  it("of one service brings up another, which Docker could not start", async () => {
    machine.files["exporters.yaml"] += "# once more\n";
    machine.sh("docker stop monitoring-front-1");
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
    await answers("shared-key-2");
  });

  it("finds a port taken that nobody holds, and has it after a restart of Docker's daemon", async () => {
    const { front } = machine.settings.images;
    machine.sh(
      `docker stop monitoring-front-1; docker run --detach --name holder --publish 4317:4317 --entrypoint sleep ${front} 300`,
    );
    const systemctl = machine.read("/usr/local/bin/systemctl") ?? "";
    machine.install(
      "/usr/local/bin/systemctl",
      '#!/bin/bash\n[ "$*" != "restart docker.service" ] || docker rm --force holder\n',
    );
    const run = await apply();
    machine.install("/usr/local/bin/systemctl", systemctl);
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(run.output).toContain("port is already allocated");
    await answers("shared-key-2");
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

  /** Which of Compose's files has this text, and all of that file. */
  const holding = (text: string): [file: string, shipped: string] => {
    for (const file of ["gate.yaml", "compose.yaml"]) {
      const shipped = machine.files[file] ?? "";
      if (shipped.includes(text)) return [file, shipped];
    }
    throw new Error(`no file of Compose's says ${JSON.stringify(text)}`);
  };

  const user = 'user: "10003:10003"';
  it.each<[string, RegExp, string, string]>([
    ["the host's network", /service front/, "networks: [public, gate]", "network_mode: host"],
    ["no network of ours", /network default/, "    networks: [public, gate]\n", ""],
    ["the host's processes", /service signoz/, user, `${user}\n    pid: host`],
    ["the host's names", /service signoz/, user, `${user}\n    uts: host`],
    ["no memory limit", /service keeper/, "    mem_limit: 256m\n", ""],
    ["privileges", /service signoz/, user, `${user}\n    privileged: true`],
    ["a capability", /service signoz/, user, `${user}\n    cap_add: [NET_ADMIN]`],
    ["a device", /service signoz/, user, `${user}\n    devices: [/dev/null]`],
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
    const [file, shipped] = holding(from);
    machine.sh("rm -rf /tmp/release; cp -r /var/lib/monitoring/files /tmp/release");
    machine.sh(`cat >/tmp/release/${file}`, shipped.replace(from, to));
    const said = machine.run(join(__dirname, "contained.sh"), "/tmp/release");
    expect(said).toMatch(/gives more than their own network, files and an unprivileged user to/);
    expect(said).toMatch(named);
  });

  it("that gives a container more than that changes nothing of what runs", async () => {
    const networks = "networks: [public, gate]";
    const [file, shipped] = holding(networks);
    machine.files[file] = shipped.replace(networks, "network_mode: host");
    const before = services.map(state);
    const run = await apply();
    machine.files[file] = shipped;
    expect(run, run.output).toMatchObject({ status: 1 });
    expect(run.output).toMatch(
      /gives more than their own network.*: service front; what runs was left running/,
    );
    expect(services.map(state)).toEqual(before);
  });
}
