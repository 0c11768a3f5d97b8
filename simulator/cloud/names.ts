import type { Values } from "./values.js";

/** Names of Compute Engine: RFC 1035 labels (Compute API v1, each resource's `name`). */
const label = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * What Google takes as a name, by type or module and input. The provider's schema holds no
 * patterns, so these are from the APIs' references: Compute v1, Secret Manager v1, IAM v1, Cloud DNS v1.
 */
const rules: [type: string, input: string, rule: RegExp][] = [
  ["gcp:compute/", "name", label],
  ["gcp:secretmanager/secret:", "secretId", /^[A-Za-z0-9_-]{1,255}$/],
  ["gcp:serviceaccount/account:", "accountId", /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/],
  ["gcp:dns/recordSet:", "name", /^(?=.{1,254}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+$/],
];

/** @returns what of a resource's names Google would refuse, as `<input>: <reason>` */
export function nameFaults(type: string, inputs: Values): string[] {
  return rules
    .filter(([prefix, input]) => type.startsWith(prefix) && typeof inputs[input] === "string")
    .filter(([, input, rule]) => !rule.test(inputs[input] as string))
    .map(([, input, rule]) => `${input}: must match ${rule}, got ${JSON.stringify(inputs[input])}`);
}
