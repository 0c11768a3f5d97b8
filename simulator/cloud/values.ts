import * as pulumi from "@pulumi/pulumi";

/** Properties of a resource as they travel to a provider: secrets wrapped, unknown values marked. */
export type Values = Record<string, unknown>;

/** @returns the value without its secret wrappers, at every depth */
export function plain<T = unknown>(value: unknown): T {
  if (pulumi.runtime.isRpcSecret(value)) return plain(pulumi.runtime.unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map((item) => plain(item)) as T;
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)])) as T;
  return value as T;
}

/** @returns the value marked secret, in the form the Pulumi wire format uses */
export function secret(value: unknown): Values {
  return { [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig, value };
}

/** @returns whether a secret is anywhere inside */
export function holdsSecret(value: unknown): boolean {
  if (pulumi.runtime.isRpcSecret(value)) return true;
  if (Array.isArray(value)) return value.some(holdsSecret);
  return isRecord(value) && Object.values(value).some(holdsSecret);
}

/** @returns whether a value that only the deployment will tell is anywhere inside */
export function holdsUnknown(value: unknown): boolean {
  if (pulumi.isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return isRecord(value) && Object.values(value).some(holdsUnknown);
}

export function isRecord(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
