import { isHidden, isRecord, list } from "./resource";

const gatePort = 4317;

/** What of a cluster would open it, or leave its Secrets readable to whoever gets at its store. */
export function clusterFaults(inputs: Record<string, unknown>): string[] {
  const faults: string[] = [];
  if (inputs.enableAutopilot !== true)
    faults.push("is no Autopilot cluster, whose nodes nobody looks after");
  if (Object(inputs.privateClusterConfig).enablePrivateNodes !== true)
    faults.push("gives its nodes public addresses");
  if (Object(Object(inputs.controlPlaneEndpointsConfig).ipEndpointsConfig).enabled !== false)
    faults.push("has an address at which its control plane answers; only the DNS name asks IAM");
  const { state, keyName } = Object(inputs.databaseEncryption);
  if (state !== "ENCRYPTED" || !keyName) faults.push("keeps Secrets without a KMS key");
  if (!nodeAccount(inputs))
    faults.push(
      "runs nodes as the default service account, which can edit the whole project; give them another",
    );
  return faults;
}

/** E-mail of the account that a cluster's nodes run as. */
export const nodeAccount = ({ clusterAutoscaling }: Record<string, unknown>): string | undefined =>
  Object(Object(clusterAutoscaling).autoProvisioningDefaults).serviceAccount;

type Judged = "provider" | "Namespace" | "Secret" | "Service";

const judges: Record<Judged, (inputs: Record<string, unknown>) => string[]> = {
  provider: (inputs) =>
    Object.entries(inputs)
      .filter(([key]) => !["version", "kubeconfig", "enableSecretMutable"].includes(key))
      // Where the provider's program comes from; the engine says it of every provider that a program makes.
      .filter(([key, value]) => key !== "__internal" || !isRecord(value) || !isEmpty(value))
      .map(([key]) => `sets ${key}; the list of a provider's inputs is in policy/kubernetes.ts`)
      .concat(pluginFaults(inputs.kubeconfig)),
  Namespace: ({ metadata }) =>
    Object(Object(metadata).labels)["pod-security.kubernetes.io/enforce"] === "restricted"
      ? []
      : ["takes pods that are not locked; its label must say restricted"],
  Secret: ({ stringData, data }) => [
    ...(data === undefined || isAllHidden(data)
      ? []
      : ["holds a value in the clear; wrap it in pulumi.secret"]),
    // Of a secret that is yet to be made the plan would say another thing than what is applied, which is then refused.
    ...(stringData === undefined ? [] : ["sets stringData; use infra/gke/secretData.ts"]),
  ],
  Service: ({ metadata, spec }) => {
    const { type, ports } = Object(spec);
    const isInternal =
      Object(Object(metadata).annotations)["networking.gke.io/load-balancer-type"] === "Internal";
    if (type === undefined || type === "ClusterIP" || (type === "LoadBalancer" && isInternal))
      return [];
    return list(ports)
      .filter((one) => type !== "LoadBalancer" || Object(one).port !== gatePort)
      .map((one) => `lets tcp/${Object(one).port} in from outside; only tcp/${gatePort} may be`);
  },
};

/** What is wrong with an object of Kubernetes, or with how it is reached. */
export const kubernetesFaults = (kind: Judged, inputs: Record<string, unknown>): string[] =>
  judges[kind](inputs);

const isEmpty = (value: object) => Object.keys(value).length === 0;

const isAllHidden = (values: unknown): boolean =>
  isHidden(values) || (isRecord(values) && Object.values(values).every(isHidden));

/** A kubeconfig names a program that runs where `pulumi up` runs. */
function pluginFaults(kubeconfig: unknown): string[] {
  if (isHidden(kubeconfig)) return [];
  if (kubeconfig === undefined) return ["names no cluster, and would take whichever lies about"];
  const { users } = JSON.parse(String(kubeconfig));
  return list(users)
    .map((one) => Object(Object(one).user))
    .filter(({ exec }) => Object(exec).command !== "gke-gcloud-auth-plugin" || Object(exec).args)
    .map(() => "signs in otherwise than by gke-gcloud-auth-plugin");
}
