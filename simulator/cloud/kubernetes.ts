import { randomUUID } from "node:crypto";
import type { Act, Kind } from "./kind.js";
import { holdsSecret, holdsUnknown, plain, secret, type Values } from "./values.js";

const inside = { type: "object", optional: true } as const;
const text = { type: "string", optional: true } as const;

/** What every object of Kubernetes has; the real API server judges its inside (test/gke). */
const envelope = { apiVersion: text, kind: text, metadata: inside } as const;
const spec = { ...envelope, spec: { type: "object", required: true } } as const;

/** The kinds that the program makes, with the inputs of each beside the envelope. */
const schemas: Record<string, Kind["schema"]> = {
  "core/v1:Namespace": { ...envelope, spec: inside },
  "core/v1:ConfigMap": {
    ...envelope,
    data: { type: "map", elem: "string", optional: true, forceNew: true },
    immutable: { type: "bool", optional: true },
  },
  "core/v1:Secret": {
    ...envelope,
    data: { type: "map", elem: "string", optional: true },
  },
  "core/v1:Service": spec,
  "core/v1:PersistentVolumeClaim": spec,
  "core/v1:ServiceAccount": {
    ...envelope,
    automountServiceAccountToken: { type: "bool", optional: true },
  },
  "apps/v1:StatefulSet": spec,
  "batch/v1:CronJob": spec,
  "batch/v1:Job": { ...envelope, spec: { type: "object", required: true, forceNew: true } },
  "networking.k8s.io/v1:NetworkPolicy": spec,
  "policy/v1:PodDisruptionBudget": spec,
  "storage.k8s.io/v1:StorageClass": {
    ...envelope,
    provisioner: { type: "string", required: true },
    parameters: { type: "map", elem: "string", optional: true },
    allowVolumeExpansion: { type: "bool", optional: true },
    reclaimPolicy: text,
    volumeBindingMode: text,
  },
};

/** A Secret's inputs as the provider keeps them in the state: all values under one mark. */
export const normalized = (type: string, { data, ...inputs }: Values): Values =>
  type === "kubernetes:core/v1:Secret" && holdsSecret(data) && !holdsUnknown(data)
    ? { ...inputs, data: secret(plain(data)) }
    : { ...inputs, ...(data !== undefined && { data }) };

/** Kubernetes as far as a program can see: an object gets a name where it has none, and a load balancer an address. */
export function kubernetesKinds(): Record<string, Kind> {
  const kinds = Object.entries(schemas).map(([type, schema]): [string, Kind] => [
    `kubernetes:${type}`,
    { schema: { ...schema, status: { type: "object", computed: true } }, create, update },
  ]);
  const provider: Kind = {
    schema: { kubeconfig: text, enableSecretMutable: { type: "string", optional: true } },
    create: async () => ({ id: randomUUID(), outputs: {} }),
  };
  return { ...Object.fromEntries(kinds), "pulumi:providers:kubernetes": provider };
}

async function create(act: Act) {
  const outputs = outputsOf(act, randomUUID());
  const { name, namespace } = outputs.metadata as Values;
  return { id: namespace === undefined ? String(name) : `${namespace}/${name}`, outputs };
}

const update = async (act: Act) => {
  const { uid } = (act.olds.metadata ?? {}) as Values;
  return outputsOf(act, String(uid));
};

function outputsOf({ name, inputs }: Act, uid: string): Values {
  const given = (inputs.metadata ?? {}) as Values;
  const balanced = (inputs.spec as Values | undefined)?.type === "LoadBalancer";
  return {
    // The provider keeps the inputs among the outputs too.
    __inputs: inputs.kind === "Secret" ? { ...inputs, data: secret(inputs.data) } : inputs,
    metadata: { name: `${name}-${uid.slice(0, 8)}`, ...given, uid },
    status: balanced ? { loadBalancer: { ingress: [{ ip: "10.90.0.5" }] } } : {},
  };
}
