import { Secret } from "@pulumi/kubernetes/core/v1/secret";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import type { GateOptions } from "../gate/options";
import { gateFiles } from "../gate/processors";
import { otlpPort } from "../network";
import { dsn, passwordOf } from "./clickhouseSecrets";
import { fileMap, infraFile } from "./fileMap";
import { collector, front, frontPort, keysAndCertificate, stopSeconds } from "./gatePod";
import { labels, metadata } from "./pods";
import { Replicated } from "./replicated";
import { secretData } from "./secretData";

export interface GateArgs {
  namespace: pulumi.Input<string>;
  storageClass: pulumi.Input<string>;
  images: { front: string; collector: string };
  replicas: number;
  queueDiskGb: number;
  /** External address that is reserved for it. */
  address: pulumi.Input<string>;
  /** IPv4 CIDR ranges that may reach it. */
  allowedSources: string[];
  options: GateOptions;
  /** One key a line; certificate and private key, PEM; JSON of ClickHouse's users' passwords: all secret. */
  keys: pulumi.Input<string>;
  tls: pulumi.Input<string>;
  passwords: pulumi.Input<string>;
  passwordGeneration: string;
  /** Host and port of the ClickHouse that they write to. */
  clickhouse: string;
  /** Names all that is delivered; the Secret of keys says so, and each gate once it goes by it (progress.sh). */
  version: pulumi.Input<string>;
}

/** The gates: each takes telemetry by itself, behind one address, and keeps what ClickHouse has not taken on its own disk. */
export class Gate extends pulumi.ComponentResource {
  readonly ready: pulumi.Output<string>;

  constructor(name: string, args: GateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Gate", name, {}, opts);
    const self = within(this, opts);
    const { namespace, images } = args;

    const files = fileMap(name, "gate", namespace, deliveredFiles(args.options), self);
    const keys = new Secret(
      `${name}-gate-keys`,
      {
        metadata: metadata(namespace, "gate-keys", { "monitoring/version": args.version }),
        data: secretData({
          version: args.version,
          keys: pulumi.secret(args.keys),
          "tls.crt": part(args.tls, certificate),
          "tls.key": part(args.tls, privateKey),
        }),
      },
      self,
    );
    const passwords = pulumi.output(args.passwords);
    const store = new Secret(
      `${name}-gate-store`,
      {
        metadata: metadata(namespace, "gate-store"),
        data: secretData({
          password: pulumi.secret(passwords.apply((all) => passwordOf(all, "collector"))),
          dsn: pulumi.secret(passwords.apply((all) => dsn(all, "collector", args.clickhouse))),
        }),
      },
      self,
    );
    const set = new Replicated(
      name,
      "gate",
      {
        ...args,
        first: 0,
        ports: { otlp: frontPort },
        diskGb: args.queueDiskGb,
        zones: 0,
        // Passwords come by the environment, which a running process keeps.
        annotations: { "monitoring/password-generation": args.passwordGeneration },
        pod: {
          user: 10002,
          terminationGracePeriodSeconds: stopSeconds,
          // Names that infra/gate/otel-collector.yaml uses.
          hostAliases: [{ ip: "127.0.0.1", hostnames: ["receiver", "front"] }],
          initContainers: [
            keysAndCertificate(images.front),
            collector(images.collector, store.metadata.name, args.clickhouse),
          ],
          containers: [front(images.front)],
          volumes: [
            { name: "files", configMap: { name: files.metadata.name, defaultMode: 0o555 } },
            { name: "keys", secret: { secretName: keys.metadata.name, defaultMode: 0o440 } },
            // Keys and certificate never reach a disk of the node.
            { name: "run", emptyDir: { medium: "Memory", sizeLimit: "32Mi" } },
            { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
          ],
        },
      },
      self,
    );
    new Service(
      `${name}-gate-service`,
      {
        metadata: metadata(namespace, "gate", { "cloud.google.com/l4-rbs": "enabled" }),
        spec: {
          type: "LoadBalancer",
          loadBalancerIP: args.address,
          loadBalancerSourceRanges: args.allowedSources,
          // Keeps the client's address, by which the front counts.
          externalTrafficPolicy: "Local",
          selector: labels("gate"),
          ports: [{ name: "otlp", port: otlpPort, targetPort: frontPort }],
        },
      },
      self,
    );
    this.ready = set.ready;
    this.registerOutputs();
  }
}

/** Text of every file that a gate's pod mounts, by its name: what the front and the collector read, what the sidecar runs. */
export const deliveredFiles = (options: GateOptions): Record<string, string> => ({
  ...gateFiles(options),
  ...read(["haproxy.cfg", "otel-collector.yaml", "exporters.yaml"], "gate"),
  ...read(["keys-map.sh", "front-apply.sh"], "gate"),
  ...read(["apply-keys.sh", "collector.sh", "pre-stop.sh", "socat"], "gke/files"),
});

const read = (files: string[], folder: string): Record<string, string> =>
  Object.fromEntries(files.map((file) => [file, infraFile(`${folder}/${file}`)]));

const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n?/g;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----\n?/g;

const part = (pem: pulumi.Input<string>, which: RegExp) =>
  pulumi.secret(pulumi.output(pem).apply((text) => (text.match(which) ?? []).join("")));
