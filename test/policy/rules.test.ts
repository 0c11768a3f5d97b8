import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, vi } from "vitest";
import { unknownValue } from "../../policy/resource";
import { judge } from "../../policy/rules";
import { type ProgramRun, runProgram } from "../../simulator/program";
import { resource, rules } from "./resources";

describe("the program", () => {
  const engineers = {
    secretReaders: ["group:engineers@example.com"],
    personalKeyEmails: ["dana@example.com"],
  };
  it.each<[string, ProgramRun]>([
    [
      "vm",
      {
        config: { ...engineers, signozUsers: ["user:lead@example.com"] },
        secrets: { alertSlackWebhookUrl: "https://hooks.slack.com/services/T0/B0/secret-path" },
      },
    ],
    [
      "cloud",
      {
        config: {
          ...engineers,
          ...{ backend: "cloud", cloudEndpoint: "ingest.eu.signoz.cloud:443", adminEmail: "" },
        },
        secrets: { cloudIngestionKey: "cloud-key-s3cret" },
      },
    ],
  ])(
    "breaks no rule, whatever it is configured with, backend %s",
    async (_, run) => {
      vi.resetModules();
      const { resources } = await runProgram(run);
      const secretValues = resources
        .filter(({ type }) => /randomPassword|privateKey/.test(type))
        .flatMap(({ state }) => Object.values(state))
        .map((value) =>
          pulumi.runtime.isRpcSecret(value) ? pulumi.runtime.unwrapRpcSecret(value) : undefined,
        )
        .filter((value): value is string => typeof value === "string" && value.length >= 8);
      expect(secretValues.length).toBeGreaterThan(2);
      const judged = resources.map(({ type, name, inputs, options }) => ({
        type,
        name,
        inputs,
        protect: options.protect,
      }));
      expect(judged.map(({ type }) => type)).toContain("gcp:compute/instance:Instance");
      expect(judge(judged, secretValues)).toEqual([]);
      // The whole program is loaded and run: a minute where other work keeps both cores busy.
    },
    180_000,
  );
});

it.each<[string, string, object]>([
  ["an Editor by project", "gcp:projects/iAMMember:IAMMember", { role: "roles/editor" }],
  ["a whole policy", "gcp:projects/iAMPolicy:IAMPolicy", {}],
  ["a key of an account", "gcp:serviceaccount/key:Key", {}],
  ["a token for an account", "gcp:serviceaccount/iAMMember:IAMMember", {}],
  ["another VM's template", "gcp:compute/instanceTemplate:InstanceTemplate", {}],
  ["a firewall policy", "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule", {}],
  ["a route into another network", "gcp:compute/networkPeering:NetworkPeering", {}],
  ["keys for the whole project", "gcp:compute/projectMetadataItem:ProjectMetadataItem", {}],
  ["a function", "gcp:cloudfunctionsv2/function:Function", {}],
  ["all grants of a bucket", "gcp:storage/bucketIAMPolicy:BucketIAMPolicy", {}],
  ["a regional secret's policy", "gcp:secretmanager/secretIamPolicy:SecretIamPolicy", {}],
  ["code as a resource", "pulumi-nodejs:dynamic:Resource", {}],
  ["a command on another machine", "command:remote:Command", {}],
  ["another provider", "pulumi:providers:kubernetes", {}],
  ["a component that is not ours", "evil:index:Thing", {}],
  ["another API", "gcp:projects/service:Service", { service: "cloudbuild.googleapis.com" }],
  [
    "a provider that sends its token elsewhere",
    "pulumi:providers:gcp",
    { project: "p", computeCustomEndpoint: "https://evil.invalid/" },
  ],
  [
    "a provider under another identity",
    "pulumi:providers:gcp",
    { impersonateServiceAccount: "owner@p.iam.gserviceaccount.com" },
  ],
  [
    "a provider's program from elsewhere",
    "pulumi:providers:random",
    { __internal: { pluginDownloadURL: "https://evil.invalid/" } },
  ],
])("refuses %s", { tags: "attack/ci" }, (_, type, inputs) =>
  expect(new Set(rules(resource(type, inputs)))).toEqual(new Set(["type"])),
);

it.each(["TXT", "MX", "NS", "CNAME"])(
  "refuses a record of type %s",
  { tags: "attack/ci" },
  (type) => expect(rules(resource("gcp:dns/recordSet:RecordSet", { type }))).toEqual(["type"]),
);

it.each<[string, string, object]>([
  ["a secret", "gcp:secretmanager/secret:Secret", { project: "evil" }],
  [
    "a version of a secret",
    "gcp:secretmanager/secretVersion:SecretVersion",
    { secret: "projects/evil/secrets/monitoring-signoz-admin-secret-dev" },
  ],
  ["a second provider", "pulumi:providers:gcp", { project: "evil" }],
  ["a project known only after up", "gcp:compute/disk:Disk", { project: unknownValue }],
])("refuses %s in another project", { tags: "attack/ci" }, (_, type, inputs) =>
  expect(rules(resource("pulumi:providers:gcp", { project: "p" }), resource(type, inputs))).toEqual(
    ["type"],
  ),
);

it("lets the company's DNS have a project of its own", () => {
  const record = resource("gcp:dns/recordSet:RecordSet", { type: "A", project: "dns" });
  const version = resource("gcp:secretmanager/secretVersion:SecretVersion", {
    secret: "projects/p/secrets/monitoring-tls-secret-dev",
  });
  expect(rules(resource("pulumi:providers:gcp", { project: "p" }), record, version)).toEqual([]);
});

it("refuses a payload in the clear", { tags: "attack/ci" }, () => {
  const version = resource("gcp:secretmanager/secretVersion:SecretVersion", {
    secretData: "plain",
  });
  expect(new Set(rules(version))).toEqual(new Set(["secret"]));
});

it("refuses an unprotected data disk, where the options are known", () => {
  const disk = resource("gcp:compute/disk:Disk", {});
  expect(rules({ ...disk, protect: false })).toEqual(["protect"]);
  expect(rules({ ...disk, protect: true }, disk)).toEqual([]);
});
