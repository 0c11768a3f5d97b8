import { expect, it } from "vitest";
import { unknownValue } from "../../policy/resource";
import { judge } from "../../policy/rules";
import { meta, rules, secretOf, vm } from "./resources";

const ownDisk = { initializeParams: { image: "debian-cloud/debian-13" } };

it("lets a VM pass that has its own account and only names of secrets in its metadata", () =>
  expect(judge([vm({})])).toEqual([]));

it("refuses VMs that run as several accounts, whose grants would then all be the VM's", {
  tags: "attack/ci",
}, () => {
  const evil = vm({ serviceAccount: { email: "monitoring-vm@evil.iam.gserviceaccount.com" } });
  expect(rules(vm({}), vm({}))).toEqual([]);
  expect(rules(vm({}), evil)).toEqual(["identity", "identity"]);
});

it.each([
  ["marked by the SDK", { metadata: meta({ "monitoring-key": secretOf("x") }) }],
  ["marked as a whole", { metadata: secretOf("x") }],
  ["blinded by the preview", { metadata: meta({ "monitoring-settings": "[secret]" }) }],
  [
    "a private key in clear",
    { metadata: meta({ "monitoring-tls": "-----BEGIN EC PRIVATE KEY-----" }) },
  ],
  ["in the start-up script", { metadataStartupScript: secretOf("x") }],
])("refuses a secret in metadata: %s", { tags: "attack/ci" }, (_, inputs) =>
  expect(rules(vm(inputs))).toEqual(["metadata"]),
);

it("refuses a known secret value in metadata, marked or not", { tags: "attack/ci" }, () => {
  const leaking = vm({ metadata: meta({ "startup-script": "curl -H 'key: s3cret-value'" }) });
  expect(judge([leaking], ["s3cret-value"]).map(({ rule }) => rule)).toEqual(["metadata"]);
  expect(judge([leaking], ["another-value"])).toEqual([]);
});

it.each([
  ["no account", { serviceAccount: undefined }],
  ["no e-mail", { serviceAccount: { scopes: ["cloud-platform"] } }],
  [
    "the default account",
    { serviceAccount: { email: "123456789-compute@developer.gserviceaccount.com" } },
  ],
  ["the default network", { networkInterfaces: [{ network: "default" }] }],
  [
    "the default network by its link",
    { networkInterfaces: [{ network: "projects/p/global/networks/default" }] },
  ],
])("refuses a VM on %s", { tags: "attack/ci" }, (_, inputs) =>
  expect(rules(vm(inputs))).toEqual(["identity"]),
);

it.each<[string, object, string]>([
  ["OS Login off", { metadata: meta({ "enable-oslogin": "FALSE" }) }, "metadata"],
  ["OS Login left out", { metadata: { "block-project-ssh-keys": "TRUE" } }, "metadata"],
  ["a key of its own", { metadata: meta({ "ssh-keys": "eve:ssh-ed25519 AAAA" }) }, "metadata"],
  ["the serial port", { metadata: meta({ "serial-port-enable": "TRUE" }) }, "metadata"],
  [
    "a script from elsewhere",
    { metadata: meta({ "startup-script-url": "gs://evil/x" }) },
    "metadata",
  ],
  ["user data", { metadata: meta({ "user-data": "#cloud-config" }) }, "metadata"],
  ["a script at the end", { metadata: meta({ "shutdown-script": "id" }) }, "metadata"],
  ["the script that replaces the VM", { metadataStartupScript: "id" }, "metadata"],
  [
    "no Secure Boot",
    { shieldedInstanceConfig: { enableVtpm: true, enableIntegrityMonitoring: true } },
    "identity",
  ],
  ["no Shielded VM at all", { shieldedInstanceConfig: undefined }, "identity"],
  [
    "Google's other account",
    { serviceAccount: { email: "123@cloudservices.gserviceaccount.com" } },
    "identity",
  ],
  ["a router", { canIpForward: true }, "identity"],
  ["a router known only after up", { canIpForward: unknownValue }, "identity"],
  ["networks known only after up", { networkInterfaces: unknownValue }, "identity"],
  ["networks that are blinded", { networkInterfaces: "[secret]" }, "identity"],
  ["metadata known only after up", { metadata: unknownValue }, "metadata"],
  ["no metadata", { metadata: undefined }, "metadata"],
  ["no boot image", { bootDisk: {} }, "image"],
  ["a disk of somebody's", { bootDisk: { ...ownDisk, source: "evil" } }, "image"],
  [
    "a snapshot beside the image",
    {
      bootDisk: {
        initializeParams: {
          ...ownDisk.initializeParams,
          snapshot: "projects/evil/global/snapshots/x",
        },
      },
    },
    "image",
  ],
  ...["ubuntu-os-cloud/debian-13", "debian-cloud/debian-12", "someone/debian-cloud/debian-13"].map(
    (image): [string, object, string] => [
      `the boot image ${image}`,
      { bootDisk: { initializeParams: { image } } },
      "image",
    ],
  ),
])("refuses a VM with %s", { tags: "attack/ci" }, (_, inputs, rule) =>
  expect(rules(vm(inputs))).toEqual([rule]),
);
