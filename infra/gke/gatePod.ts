import type * as pulumi from "@pulumi/pulumi";
import { clickhouseAddress } from "./clickhouseSecrets";
import { migratorVariables } from "./migrations";
import { httpCheck, resources } from "./pods";
import { requests } from "./requests";

/** What the front's preStop may take, then its last requests, then the collector's; and some more (files/pre-stop.sh). */
export const stopSeconds = 15 + 10 + 20 + 15;

/** Where the front listens: the collector behind it has the port of OTLP, on loopback. */
export const frontPort = 14316;

const { gate } = requests;

const files = { name: "files", mountPath: "/gate/files", readOnly: true };
const run = { name: "run", mountPath: "/gate/run" };
/** Of infra/gate/haproxy.cfg. */
const places = [
  { name: "GATE_DIR", value: "/gate/run" },
  { name: "GATE_SOCKET", value: "/gate/run/admin.sock" },
];

/** Puts every change of the Secret into force without a restart; a start of the front, whose image it shares, finds what it needs. */
export const keysAndCertificate = (image: string) => ({
  name: "keys",
  image,
  command: ["bash", "/gate/files/apply-keys.sh", "/gate/files", "/gate/secrets", "/gate/run"],
  // What makes a sidecar of an init container: it goes on, and the others wait until its files are there.
  restartPolicy: "Always",
  startupProbe: {
    exec: { command: ["test", "-s", "/gate/run/keys.map", "-a", "-s", "/gate/run/tls.pem"] },
    periodSeconds: 1,
    failureThreshold: 120,
  },
  resources: resources(gate.sidecar.vcpus, gate.sidecar.mib),
  volumeMounts: [
    files,
    { name: "keys", mountPath: "/gate/secrets", readOnly: true },
    run,
    { name: "tmp", mountPath: "/tmp" },
  ],
});

/** Ends TLS, judges the key, bounds everything: infra/gate/haproxy.cfg. */
export const front = (image: string) => ({
  name: "front",
  image,
  command: ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"],
  env: [
    ...places,
    { name: "GATE_BIND", value: `0.0.0.0:${frontPort}` },
    { name: "GATE_COLLECTOR", value: "127.0.0.1:4317" },
    { name: "GATE_CONNECTIONS", value: String(gate.front.mib * 16) },
    { name: "GATE_MEDIUM_PLACES", value: String(Math.floor(gate.collector.mib / 160)) },
    { name: "GATE_LARGE_PLACES", value: String(Math.floor(gate.collector.mib / 768)) },
  ],
  ports: [{ name: "otlp", containerPort: frontPort }],
  resources: resources(gate.front.vcpus, gate.front.mib),
  readinessProbe: { httpGet: { path: "/health", port: 8404 }, periodSeconds: 5, timeoutSeconds: 5 },
  lifecycle: { preStop: { exec: { command: ["bash", "/gate/files/pre-stop.sh"] } } },
  volumeMounts: [
    files,
    { name: "files", mountPath: "/etc/haproxy/haproxy.cfg", subPath: "haproxy.cfg" },
    run,
    { name: "tmp", mountPath: "/tmp" },
  ],
});

/** Takes what the front lets through, stamps and strips it, and stores it on the queue's disk before it says OK. */
export const collector = (image: string, store: pulumi.Output<string>, clickhouse: string) => ({
  name: "collector",
  image,
  // A sidecar, since those end after the front, whose last requests it must still take.
  restartPolicy: "Always",
  command: ["/bin/sh", "-c"],
  args: [
    "/signoz-otel-collector migrate sync check && exec bash /gate/files/collector.sh /signoz-otel-collector --config=/etc/otelcol/otel-collector.yaml",
  ],
  env: [
    ...migratorVariables,
    { name: "GOMEMLIMIT", value: `${Math.floor(gate.collector.mib * 0.8)}MiB` },
    ...(clickhouse === clickhouseAddress
      ? []
      : [{ name: "CLICKHOUSE_ADDRESS", value: clickhouse }]),
    fromStore("CLICKHOUSE_PASSWORD", "password", store),
    fromStore("SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN", "dsn", store),
  ],
  resources: resources(gate.collector.vcpus, gate.collector.mib),
  readinessProbe: httpCheck(13133, "/"),
  volumeMounts: [
    files,
    ...["otel-collector.yaml", "processors.yaml", "exporters.yaml"].map((file) => ({
      name: "files",
      mountPath: `/etc/otelcol/${file}`,
      subPath: file,
    })),
    { name: "disk", mountPath: "/var/lib/otelcol", subPath: "queue" },
    { name: "tmp", mountPath: "/tmp" },
  ],
});

const fromStore = (name: string, key: string, store: pulumi.Output<string>) => ({
  name,
  valueFrom: { secretKeyRef: { name: store, key } },
});
