import { markKey, secretMark, unknownValue } from "../../policy/resource";
import { judge, type PolicyResource } from "../../policy/rules";

/** The rules that these resources of one program break. */
export const rules = (...resources: PolicyResource[]) => judge(resources).map(({ rule }) => rule);

export const resource = (type: string, inputs: object): PolicyResource => ({
  type,
  name: "r",
  inputs: { ...inputs },
});
export const firewall = (inputs: object) => resource("gcp:compute/firewall:Firewall", inputs);
export const command = (inputs: object) =>
  resource("command:local:Command", { create: "bash infra/ready/wait-for-gate.sh", ...inputs });

export const secretOf = (value: unknown) => ({ [markKey]: secretMark, value });
/** How a preview may hide a value from whoever judges it. */
export const hidings: [string, unknown][] = [
  ["known only after up", unknownValue],
  ["blinded", "[secret]"],
  ["marked as a secret", secretOf("x")],
];

export const meta = (more: object) => ({
  "enable-oslogin": "TRUE",
  "block-project-ssh-keys": "TRUE",
  ...more,
});
/** A VM as it must be, but for these inputs. */
export const vm = (inputs: object) =>
  resource("gcp:compute/instance:Instance", {
    serviceAccount: {
      email: "monitoring-vm@p.iam.gserviceaccount.com",
      scopes: ["cloud-platform"],
    },
    networkInterfaces: [{ subnetwork: "monitoring-dev" }],
    bootDisk: { initializeParams: { image: "debian-cloud/debian-13" } },
    shieldedInstanceConfig: {
      enableSecureBoot: true,
      enableVtpm: true,
      enableIntegrityMonitoring: true,
    },
    metadata: meta({
      "monitoring-settings": '{"secrets":{"tls":"projects/p/secrets/tls/versions/1"}}',
    }),
    ...inputs,
  });
