import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { deliveredFiles } from "../../../infra/vm/delivery";
import { cloudStore, needsOf } from "../../../infra/vm/stores";
import { textsOf } from "../../../simulator/texts";
import { composeOf } from "../../compose";

const files = deliveredFiles();
const stores = { vm: files, cloud: deliveredFiles(undefined, cloudStore) };
const text = (name: string) => files[name] ?? "";
const yaml = (name: string) => parse(text(name), { merge: true });
const names = Object.keys(files);

interface Exporter {
  sending_queue: object;
  retry_on_failure: object;
}
interface Volume {
  type: string;
  target: string;
}
interface Network {
  internal?: boolean;
  driver_opts: Record<string, string>;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, Network>;
}
interface Service {
  image: string;
  networks?: string[];
  restart: string;
  mem_limit: string;
  ports?: string[];
  volumes?: (string | Volume)[];
  env_file?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  profiles?: string[];
  healthcheck?: object;
  logging: { options: object };
}

const membersOf = (services: Record<string, Service>, network: string) =>
  Object.keys(services)
    .filter((name) =>
      [services[name]?.networks ?? []]
        .flatMap((of) => (Array.isArray(of) ? of : Object.keys(of)))
        .includes(network),
    )
    .sort();

/** A text of the collector's configuration with the environment that compose.yaml gives the collector, or its default. */
const withEnvironment = (text: string, delivered: Record<string, string>): string =>
  text.replace(
    /\$\{env:(\w+):-([^}]+)\}/,
    (_, name, preset) => composeOf(delivered).services.collector.environment[name] ?? preset,
  );

describe("otel-collector.yaml", () => {
  const config = yaml("otel-collector.yaml");
  const { pipelines } = config.service;
  const clientPipelines = Object.entries<{
    receivers: string[];
    processors: string[];
    exporters: string[];
  }>(pipelines).filter(([, { receivers }]) => receivers.includes("otlp"));

  it("is spoken to by the front alone: nothing of it is published, and only the front asks for a key", () => {
    expect(Object.keys(config.receivers.otlp.protocols)).toEqual(["grpc"]);
    const { grpc } = config.receivers.otlp.protocols;
    expect(grpc).toMatchObject({ endpoint: "receiver:4317", include_metadata: true });
    for (const delivered of Object.values(stores))
      expect(composeOf(delivered).services.collector.ports).toBeUndefined();
    const others = Object.entries(config.receivers).filter(([name]) => name !== "otlp");
    expect(JSON.stringify(others)).not.toContain("0.0.0.0");
  });

  it("takes unpacked what the front takes packed", () => {
    const [, bytes] = /GATE_MESSAGE_BYTES (\d+)/.exec(text("haproxy.cfg")) ?? [];
    expect(config.receivers.otlp.protocols.grpc.max_recv_msg_size_mib * 1024 ** 2).toBe(
      Number(bytes),
    );
  });

  it("limits memory first, holds back by name, then says who and refuses", () => {
    for (const [name, { processors, exporters }] of clientPipelines) {
      expect(processors).toEqual([
        "memory_limiter",
        ...(name === "logs" ? ["transform/bodies"] : []),
        `redaction/${name}`,
        "resource/owner",
        `transform/${name}`,
      ]);
      expect(exporters).toEqual([`routing/${name}`]);
    }
    expect(pipelines["metrics/self"].processors).toEqual(["memory_limiter"]);
  });

  it("lets a batch stand before what may be let go, and never between the client's OK and the queue on disk", () => {
    const ends = Object.entries<{ processors?: string[]; exporters: string[] }>(pipelines);
    const batched = ends
      .filter(([, { processors = [] }]) => processors.some((name) => name.startsWith("batch")))
      .map(([name]) => name);
    const hints = ends.filter(([, { exporters }]) => /metadata/.test(exporters.join()));
    expect(hints.map(([, { exporters }]) => exporters.length)).toEqual([1, 1, 1]);
    expect(batched.sort()).toEqual([...hints.map(([name]) => name), "metrics/counts"].sort());
    for (const [name, exporter] of Object.entries<Exporter>(yaml("exporters.yaml"))) {
      if (/^(?:metadataexporter|file.refused_.*|nop)$/.test(name)) continue;
      expect([name, exporter.sending_queue, exporter.retry_on_failure]).toEqual([
        name,
        expect.objectContaining({ enabled: true, storage: "file_storage", sizer: "bytes" }),
        expect.objectContaining({
          enabled: true,
          ...(name.startsWith("otlphttp/")
            ? { max_elapsed_time: "168h" }
            : { initial_interval: "46m", max_elapsed_time: "72h" }),
        }),
      ]);
    }
  });

  it("uses exactly the exporters that exporters.yaml brings", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the collector's own syntax
    expect(config.exporters).toBe("${file:/etc/otelcol/exporters.yaml}");
    const used = Object.values(stores).flatMap((delivered) =>
      Object.values<{ exporters: string[] }>(pipelines).flatMap(({ exporters }) =>
        exporters.map((exporter) => withEnvironment(exporter, delivered)),
      ),
    );
    const known = [...Object.keys(yaml("exporters.yaml")), ...Object.keys(config.connectors)];
    expect([...new Set(used)].sort()).toEqual(known.sort());
  });

  it("sends to SigNoz Cloud all that it would give to ClickHouse, and nothing but that", () => {
    for (const [name, { exporters }] of Object.entries<{ exporters: string[] }>(pipelines)) {
      const ends = exporters.map((exporter) => withEnvironment(exporter, stores.cloud));
      expect([name, ends.some((end) => /clickhouse|metadata/.test(end))]).toEqual([name, false]);
      const isStored = exporters.some((exporter) => exporter.includes("clickhouse"));
      expect([name, ends.some((end) => end.startsWith("otlphttp/cloud"))]).toEqual([
        name,
        isStored,
      ]);
    }
  });
});

describe.each(Object.entries(stores))("compose.yaml of backend %s", (backend, delivered) => {
  const { services, networks }: Compose = composeOf(delivered);

  it("publishes the gate, and SigNoz where it is, nothing else", () => {
    const ports = Object.entries(services).flatMap(([name, { ports = [] }]) =>
      ports.map((port: string) => `${name} ${port}`),
    );
    expect(ports).toEqual([...(backend === "vm" ? ["signoz 8080:8080"] : []), "front 4317:4317"]);
  });

  it("pins every image by a variable that must be set", () => {
    for (const [name, { image }] of Object.entries(services))
      expect([name, image]).toEqual([name, expect.stringMatching(/^\$\{[A-Z]+_IMAGE:\?\}$/)]);
  });

  it("rotates every log and restarts what should run", () => {
    for (const [name, service] of Object.entries(services)) {
      expect([name, service.logging.options]).toEqual([
        name,
        { "max-size": "10m", "max-file": "3" },
      ]);
      if (!name.startsWith("migrator"))
        expect([name, service.restart, Boolean(service.healthcheck)]).toEqual([
          name,
          "unless-stopped",
          true,
        ]);
    }
  });

  it("never lets Docker make up a folder on the boot disk", () => {
    const binds = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.filter((volume: unknown) => typeof volume === "object"),
    );
    expect(binds).toHaveLength(backend === "vm" ? 8 : 3);
    for (const bind of binds)
      expect(bind).toMatchObject({ type: "bind", bind: { create_host_path: false } });
    for (const service of Object.values(services))
      for (const volume of (service.volumes ?? []).filter(
        (volume: unknown) => typeof volume === "string",
      ))
        expect(volume).toMatch(/^\.\/.*:ro$/);
  });

  it("gives no service more than an unprivileged user, its own network and a root that it cannot write", () => {
    for (const [name, service] of Object.entries(services))
      expect([name, service]).toEqual([
        name,
        expect.objectContaining({
          read_only: true,
          cap_drop: ["ALL"],
          security_opt: ["no-new-privileges:true"],
          user: expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/),
        }),
      ]);
    const more = /^(network_mode|privileged|cap_add|pid|ipc|devices)$|docker\.sock/;
    expect(textsOf(services).filter((text) => more.test(text))).toEqual([]);
  });

  it("gives its networks the names that firewall.sh goes by, and only those that publish a port or dial out can leave", () => {
    for (const [name, network] of Object.entries<Network>(networks)) {
      expect([name, network.driver_opts]).toEqual([
        name,
        { "com.docker.network.bridge.name": `mon-${name}` },
      ]);
      expect([name, network.internal === true]).toEqual([
        name,
        !["public", "web", "cloud"].includes(name),
      ]);
      expect(text("firewall.sh")).toMatch(new RegExp(`for network in .*\\b${name}\\b.*; do`));
    }
  });

  it("holds no secret: those come by env_file", () => {
    expect(textsOf(services).filter((text) => /PASSWORD|SECRET/.test(text))).toEqual([]);
  });
});

describe("compose.yaml before SigNoz Cloud", () => {
  const { services, networks }: Compose = composeOf(stores.cloud);

  it("gives the key, and a way out, to the sender alone, which nobody reaches but the collector", () => {
    const withKey = Object.entries(services).filter(([, { env_file = [] }]) => env_file.length > 0);
    expect(withKey.map(([name, { env_file }]) => [name, env_file])).toEqual([
      ["sender", ["/var/lib/monitoring/secrets/sender.env"]],
    ]);
    expect(membersOf(services, "cloud")).toEqual(["sender"]);
    expect(membersOf(services, "write")).toEqual(["collector", "sender"]);
    expect(membersOf(services, "gate")).toEqual(["collector", "front"]);
    expect(membersOf(services, "public")).toEqual(["front"]);
    expect(Object.keys(networks)).toEqual(["write", "gate", "public", "cloud"]);
  });
});

describe("compose.yaml with SigNoz on the machine", () => {
  type Name =
    | "keeper"
    | "clickhouse"
    | "migrator"
    | "migrator-async"
    | "signoz"
    | "collector"
    | "front";
  const services: Record<Name, Service> = composeOf(files).services;

  it("starts the gate and SigNoz only after the migrations", () => {
    for (const name of ["collector", "signoz", "migrator-async"] as const)
      expect(services[name].depends_on?.migrator).toEqual({
        condition: "service_completed_successfully",
        ...(name !== "migrator-async" && { required: false }),
      });
    expect(services.migrator).toMatchObject({
      restart: "no",
      depends_on: { clickhouse: { condition: "service_healthy" } },
    });
    expect(services.clickhouse.depends_on).toEqual({ keeper: { condition: "service_healthy" } });
  });

  it("has each service in the profile of the part that its machine's settings name", () => {
    const profiles = Object.entries(services).map(([name, { profiles }]) => [name, profiles]);
    expect(Object.fromEntries(profiles)).toEqual({
      keeper: ["clickhouse"],
      clickhouse: ["clickhouse"],
      migrator: ["clickhouse"],
      "migrator-async": ["clickhouse"],
      signoz: ["signoz"],
      collector: ["gate"],
      front: ["gate"],
    });
    const named = profiles.flatMap(([, profile]) => profile);
    expect([...new Set(named)].sort()).toEqual(Object.keys(needsOf).sort());
  });

  it("names limits that services.sh takes off the machine's memory before it shares out the rest", () => {
    const mib = (limit: string) => Number.parseInt(limit, 10) * (limit.endsWith("g") ? 1024 : 1);
    const fixed = Object.values(services)
      .filter(({ mem_limit }) => !mem_limit.startsWith("$"))
      .reduce((sum, { mem_limit }) => sum + mib(mem_limit), 0);
    const [, others = ""] =
      /clickhouse_mib=\$\(\(\$1 - (\d+) - signoz_mib\)\)/.exec(text("store.sh")) ?? [];
    expect(fixed).toBe(Number(others));
  });

  it("keeps Keeper's data where its configuration puts it", () => {
    const [{ target }] = (services.keeper.volumes ?? []).filter(
      (volume) => typeof volume === "object",
    ) as [Volume];
    const paths = [...text("clickhouse/keeper.xml").matchAll(/<\w+_storage_path>([^<]+)</g)].map(
      ([, path]) => path,
    );
    expect(paths).toHaveLength(2);
    for (const path of paths) expect(path?.startsWith(`${target}/`)).toBe(true);
  });

  it("registers nobody, reports nothing, and signs no session with a default secret", () => {
    expect(services.signoz.environment).toMatchObject({
      SIGNOZ_USER_ROOT_ENABLED: "true",
      SIGNOZ_TOKENIZER_PROVIDER: "opaque",
      SIGNOZ_STATSREPORTER_ENABLED: "false",
      SIGNOZ_ANALYTICS_ENABLED: "false",
    });
  });

  it("hands each secret file to one service", () => {
    const readers: Record<string, string[]> = {};
    for (const [name, { env_file = [], volumes = [] }] of Object.entries(services))
      for (const file of [...env_file, ...volumes.map((volume) => Object(volume).source ?? "")])
        if (file.includes("/secrets/")) readers[file] = [...(readers[file] ?? []), name];
    const folder = "/var/lib/monitoring/secrets";
    expect(readers).toEqual({
      [`${folder}/clickhouse-passwords.xml`]: ["clickhouse"],
      // One and the same job, in two steps.
      [`${folder}/migrator.env`]: ["migrator", "migrator-async"],
      [`${folder}/signoz.env`]: ["signoz"],
      [`${folder}/collector.env`]: ["collector"],
    });
  });

  it("parts ClickHouse's networks by who talks to it", () => {
    const members = (network: string) => membersOf(services, network);
    expect(members("keeper")).toEqual(["clickhouse", "keeper"]);
    expect(members("read")).toEqual(["clickhouse", "signoz"]);
    expect(members("schema")).toEqual(["clickhouse", "migrator", "migrator-async"]);
    expect(members("write")).toEqual(["clickhouse", "collector"]);
  });

  it("hands out secrets by env_file", () => {
    expect(
      Object.entries(services)
        .filter(([, { env_file }]) => env_file)
        .map(([name]) => name),
    ).toEqual(["migrator", "migrator-async", "signoz", "collector"]);
  });
});

describe("the disk", () => {
  it("closes the gate while ClickHouse still has room of its own", () => {
    const [, keep = ""] =
      /keep_free_space_ratio>([\d.]+)</.exec(text("clickhouse/config.xml")) ?? [];
    const [, low = "", close = "", open = ""] =
      /low_percent=(\d+) close_percent=(\d+) open_percent=(\d+)/.exec(text("disk-guard.sh")) ?? [];
    const levels = [Number(keep) * 100, Number(close), Number(open), Number(low)];
    expect(levels).toEqual([5, 10, 15, 20]);
  });
});

describe("what is delivered", () => {
  it("is named by the shell, the units and the pages that use it", () => {
    const used = [
      "compose.yaml",
      "startup.sh",
      "disk.sh",
      "secrets.sh",
      "services.sh",
      "store.sh",
      "provision.sh",
    ]
      .map(text)
      .concat(readFileSync("docs/compromise.md", "utf8"))
      .join("\n");
    for (const name of names.filter(
      (name) =>
        !/\.(?:service|timer)$/.test(name) &&
        !["startup.sh", "disk-guard.sh", "store-guard.sh"].includes(name),
    ))
      expect([name, used.includes(name) || used.includes(name.replace(/\.sh$/, ""))]).toEqual([
        name,
        true,
      ]);
    for (const guard of ["disk", "store"])
      expect(text(`monitoring-${guard}.service`)).toContain(`/${guard}-guard.sh`);
  });

  it("is well-formed XML for ClickHouse", () => {
    for (const name of names.filter((name) => name.endsWith(".xml")))
      expect([name, unbalanced(text(name))]).toEqual([name, []]);
  });
});

/** Tags that are not closed in the order in which they were opened. */
function unbalanced(xml: string): string[] {
  const open: string[] = [];
  for (const [, closing, tag = "", alone] of xml
    .replace(/<!--.*?-->/gs, "")
    .matchAll(/<(\/?)([\w-]+)[^>]*?(\/?)>/g)) {
    if (alone) continue;
    if (!closing) open.push(tag);
    else if (open.at(-1) === tag) open.pop();
    else return [...open, tag];
  }
  return open;
}
