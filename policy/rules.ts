import { bucketFaults, bucketMemberFaults, clickhouseToCome } from "./buckets";
import { clusterFaults, kubernetesFaults, nodeAccount } from "./kubernetes";
import { commandFaults, firewallFaults, instanceFaults } from "./machines";
import {
  isHidden,
  memberFaults,
  type PolicyResource,
  secretOf,
  strings,
  unknownValue,
} from "./resource";

export type { PolicyResource } from "./resource";

/**
 * The rules this program must never break, judged the same way in unit tests (recorded resources), in pull requests and
 * before a deployment (`pulumi preview --json --show-sames`). They list what is allowed: another kind of resource, role,
 * member or command is refused until it has a line here.
 */
export interface Violation {
  rule:
    | "type"
    | "ingress"
    | "metadata"
    | "protect"
    | "identity"
    | "grants"
    | "command"
    | "secret"
    | "image";
  /** Type and name, as they came: nothing that may become markup. */
  resource: string;
  message: string;
}

type Fault = [Violation["rule"], string];
type Judge = (resource: PolicyResource, secretValues: string[]) => Fault[];

const nothingToJudge: Judge = () => [];

/** Google APIs that the program may turn on. */
const apis = new Set(
  ["compute", "secretmanager", "iam", "iap", "dns", "container"].map(
    (name) => `${name}.googleapis.com`,
  ),
);

/** Every kind of resource that the program may make, with what is asked of it. A new kind: a line here, and a test. */
const allowed: Record<string, Judge> = {
  "gcp:compute/network:Network": nothingToJudge,
  "gcp:compute/subnetwork:Subnetwork": nothingToJudge,
  "gcp:compute/router:Router": nothingToJudge,
  "gcp:compute/routerNat:RouterNat": nothingToJudge,
  "gcp:compute/address:Address": nothingToJudge,
  "gcp:compute/resourcePolicy:ResourcePolicy": nothingToJudge,
  "gcp:compute/snapshotSettings:SnapshotSettings": nothingToJudge,
  "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment": nothingToJudge,
  "gcp:secretmanager/secret:Secret": nothingToJudge,
  "gcp:serviceaccount/account:Account": nothingToJudge,
  "random:index/randomPassword:RandomPassword": nothingToJudge,
  "tls:index/privateKey:PrivateKey": nothingToJudge,
  "tls:index/selfSignedCert:SelfSignedCert": nothingToJudge,
  "tls:index/certRequest:CertRequest": nothingToJudge,
  "tls:index/locallySignedCert:LocallySignedCert": nothingToJudge,
  "pulumi:pulumi:Stack": nothingToJudge,
  "pulumi:pulumi:StackReference": nothingToJudge,
  "pulumi:providers:gcp": providerFaults,
  "pulumi:providers:random": providerFaults,
  "pulumi:providers:tls": providerFaults,
  "pulumi:providers:command": providerFaults,
  "pulumi:providers:pulumi": providerFaults,
  // Its kubeconfig holds no secret, so it can be read; where it is not known yet there is no cluster to reach.
  "pulumi:providers:kubernetes": ({ inputs }) =>
    kubernetesFaults("provider", inputs).map((fault) => ["type", fault]),
  "gcp:storage/bucket:Bucket": ({ inputs }) =>
    bucketFaults(inputs).map((fault) => ["ingress", fault]),
  "gcp:storage/bucketIAMMember:BucketIAMMember": (resource) => [
    ...roleFaults(resource, "roles/storage.objectUser"),
    ...bucketMemberFaults(resource.inputs).map((fault): Fault => ["grants", fault]),
  ],
  "gcp:container/cluster:Cluster": ({ inputs }) =>
    clusterFaults(inputs).map((fault) => ["ingress", fault]),
  "kubernetes:core/v1:Namespace": ({ inputs }) =>
    kubernetesFaults("Namespace", inputs).map((fault) => ["identity", fault]),
  "kubernetes:core/v1:Secret": ({ inputs }) =>
    kubernetesFaults("Secret", inputs).map((fault) => ["secret", fault]),
  "kubernetes:core/v1:Service": ({ inputs }) =>
    kubernetesFaults("Service", inputs).map((fault) => ["ingress", fault]),
  // Pods are judged by the namespace, which takes locked ones alone.
  "kubernetes:core/v1:ConfigMap": nothingToJudge,
  "kubernetes:core/v1:PersistentVolumeClaim": nothingToJudge,
  "kubernetes:core/v1:ServiceAccount": nothingToJudge,
  "kubernetes:apps/v1:StatefulSet": nothingToJudge,
  "kubernetes:batch/v1:Job": nothingToJudge,
  "kubernetes:batch/v1:CronJob": nothingToJudge,
  "kubernetes:networking.k8s.io/v1:NetworkPolicy": nothingToJudge,
  "kubernetes:policy/v1:PodDisruptionBudget": nothingToJudge,
  "kubernetes:storage.k8s.io/v1:StorageClass": nothingToJudge,

  "gcp:projects/service:Service": ({ inputs }) =>
    apis.has(String(inputs.service))
      ? []
      : [["type", `turns on ${quoted(inputs.service)}; the list of APIs is in policy/rules.ts`]],
  // A TXT or MX record would give the company's name, its certificates and its mail to others.
  "gcp:dns/recordSet:RecordSet": ({ inputs }) =>
    inputs.type === "A" ? [] : [["type", `is a record of type ${quoted(inputs.type)}, not A`]],
  "gcp:compute/firewall:Firewall": ({ inputs }) =>
    firewallFaults(inputs).map((fault) => ["ingress", fault]),
  "gcp:compute/instance:Instance": ({ inputs }, secretValues) =>
    instanceFaults(inputs, secretValues),
  "gcp:compute/disk:Disk": ({ protect }) =>
    protect === false
      ? [["protect", "is not protected: a replacement would delete the telemetry"]]
      : [],
  "command:local:Command": ({ inputs }) => commandFaults(inputs).map((fault) => ["command", fault]),
  "gcp:secretmanager/secretVersion:SecretVersion": ({ inputs }) =>
    inputs.secretData === undefined || isHidden(inputs.secretData)
      ? []
      : [["secret", "holds its payload in the clear; wrap it in pulumi.secret"]],
  "gcp:secretmanager/secretIamMember:SecretIamMember": (resource) => [
    ...roleFaults(resource, "roles/secretmanager.secretAccessor"),
    ...memberFaults(resource.inputs).map((fault): Fault => ["grants", fault]),
    ...readerFaults(resource),
  ],
  "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember": (resource) => [
    ...roleFaults(resource, "roles/iap.tunnelResourceAccessor"),
    ...memberFaults(resource.inputs).map((fault): Fault => ["grants", fault]),
    ...tunnelFaults(resource.inputs),
  ],
};

/**
 * Every violation in a program's resources; empty means the rules hold.
 * @param secretValues plaintexts that may appear in no metadata (known in unit tests, not in CI)
 */
export function judge(resources: PolicyResource[], secretValues: string[] = []): Violation[] {
  const runsAs = resources.flatMap(({ type, inputs }) =>
    type === instanceType
      ? [`serviceAccount:${Object(inputs.serviceAccount).email}`]
      : type === clusterType
        ? [`serviceAccount:${nodeAccount(inputs)}`]
        : [],
  );
  const projects = resources
    .filter(({ type }) => type === "pulumi:providers:gcp")
    .map(({ inputs }) => inputs.project);
  // The first deployment makes the VM's account, whose address is not known before; no secret holds anything yet.
  const isFirst =
    resources.some(({ type, created }) => type === accountType && created) &&
    resources.every(({ type, created }) => type !== versionType || created);
  // Nor does a bucket that is still to be made.
  const newBuckets = resources
    .filter(({ type, created }) => type === bucketType && created)
    .map(({ inputs }) => inputs.name);
  return resources.flatMap((judged) => {
    const ofBucket = judged.type === bucketMemberType;
    const unknown =
      judged.inputs.member === unknownValue &&
      (ofBucket ? newBuckets.includes(judged.inputs.bucket) : isFirst);
    const member = ofBucket ? clickhouseToCome : accountToCome;
    const resource = unknown ? { ...judged, inputs: { ...judged.inputs, member } } : judged;
    const rule = ownKind.test(resource.type) ? nothingToJudge : allowed[resource.type];
    const faults: Fault[] = rule
      ? rule(resource, secretValues)
      : [
          [
            "type",
            "is a kind of resource that policy/rules.ts does not list; add it with its rules",
          ],
        ];
    const given = String(resource.inputs.member);
    if (!unknown && vmAccount.test(given) && !runsAs.includes(given))
      faults.push(["grants", `grants to ${quoted(given)}, which is not the account of the VM`]);
    if (resource.type === instanceType && new Set(runsAs).size > 1)
      faults.push(["identity", `is one of VMs that run as several accounts: ${runsAs.join(", ")}`]);
    faults.push(...projectFaults(resource, projects));
    return faults.map(([rule, message]) => ({
      rule,
      resource: `${resource.type} ${resource.name}`,
      message,
    }));
  });
}

const instanceType = "gcp:compute/instance:Instance";
const clusterType = "gcp:container/cluster:Cluster";
const bucketType = "gcp:storage/bucket:Bucket";
const bucketMemberType = "gcp:storage/bucketIAMMember:BucketIAMMember";
const versionType = "gcp:secretmanager/secretVersion:SecretVersion";
const accountType = "gcp:serviceaccount/account:Account";
const accountToCome = "serviceAccount:monitoring-to-come@project.iam.gserviceaccount.com";

/** The program's own components, which only group others. */
const ownKind = /^monitoring:index:[A-Z][A-Za-z]*$/;

/** What a provider may be told; any other address or identity would get the deployment's token. */
const providerInputs = new Set(["version", "project", "region", "zone", "defaultLabels"]);

function providerFaults({ inputs }: PolicyResource): Fault[] {
  return Object.keys(inputs)
    .filter((key) => !providerInputs.has(key))
    .map((key) => ["type", `sets ${key}; the list of a provider's inputs is in policy/rules.ts`]);
}

/** In another project others would read a secret; only the company's DNS may have one of its own. */
function projectFaults({ type, inputs }: PolicyResource, projects: unknown[]): Fault[] {
  const [own] = projects;
  const secret = /^projects\/([^/]+)\//.exec(String(inputs.secret))?.[1];
  return [inputs.project, secret]
    .filter((project) => project !== undefined && project !== own)
    .filter(() => projects.length && type !== "gcp:dns/recordSet:RecordSet")
    .map((project) => [
      "type",
      `lies in project ${quoted(project)}, the program in ${quoted(own)}`,
    ]);
}

function roleFaults({ inputs }: PolicyResource, role: string): Fault[] {
  return inputs.role === role
    ? []
    : [["grants", `grants ${quoted(inputs.role)}; the only role here is ${role}`]];
}

/** The account that the stack makes. */
const vmAccount = /^serviceAccount:monitoring-[a-z0-9-]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com$/;
/** What people may read: the endpoint, the shared key, and each their own key. All else is the VM's alone. */
const forPeople = /^monitoring-signoz-(otlp-endpoint|ingestion-key)-secret-[a-z0-9-]+$/;
const ownKey = /^monitoring-signoz-ingestion-key-[a-z0-9-]+-secret-[a-z0-9-]+$/;

function readerFaults(resource: PolicyResource): Fault[] {
  const [secret, member] = [secretOf(resource), String(resource.inputs.member)];
  if (vmAccount.test(member)) return [];
  if (secret !== undefined && forPeople.test(secret)) return [];
  if (secret !== undefined && ownKey.test(secret) && /^(user|principal):/.test(member)) return [];
  return [
    [
      "grants",
      `lets ${quoted(member)} read ${quoted(secret ?? "a secret not known yet")}; people may read the endpoint, the shared key and their own`,
    ],
  ];
}

function tunnelFaults({ condition }: Record<string, unknown>): Fault[] {
  const { expression } = (condition ?? {}) as { expression?: unknown };
  return expression === "destination.port == 8080"
    ? []
    : [["grants", "opens more than SigNoz's port; its condition must be destination.port == 8080"]];
}

const quoted = (value: unknown) => JSON.stringify(strings([value])[0] ?? typeof value);
