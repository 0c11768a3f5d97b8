import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import schemas from "./gcp-provider-schema.json";
import { cluster, gkeSchemas } from "./gke.js";
import type { Act, Kind, World } from "./kind.js";
import type { Schema } from "./schema.js";
import type { Values } from "./values.js";

// gcp-provider-schema.json: the schema of Terraform's google-beta provider of August 2026, which
// @pulumi/gcp 9.x wraps, cut to what is judged here, with the names and shapes of @pulumi/gcp 9.37.0.
const measured = schemas as unknown as Record<string, Schema>;

// Of the same provider, read in its sources: google_*_iam_member resources share one set of inputs.
const iamMember = (on: Schema): Schema => ({
  ...on,
  role: { type: "string", required: true, forceNew: true },
  member: { type: "string", required: true, forceNew: true },
  condition: { type: "object", optional: true, forceNew: true },
  etag: { type: "string", computed: true },
});
const required = { type: "string", required: true, forceNew: true } as const;
const byHand: Record<string, Schema> = {
  "gcp:projects/iAMMember:IAMMember": iamMember({ project: required }),
  "gcp:serviceaccount/iAMMember:IAMMember": iamMember({ serviceAccountId: required }),
  "gcp:storage/bucketIAMMember:BucketIAMMember": iamMember({ bucket: required }),
  "gcp:compute/snapshotSettings:SnapshotSettings": {
    project: { type: "string", optional: true, computed: true, forceNew: true },
    storageLocation: {
      type: "object",
      required: true,
      block: {
        policy: { type: "string", required: true },
        locations: {
          type: "list",
          optional: true,
          block: {
            name: { type: "string", required: true },
            location: { type: "string", required: true },
          },
        },
      },
    },
  },
};

/** One version of a secret as Secret Manager keeps it, whoever still knows of it. */
export interface SecretVersion {
  name: string;
  data: string;
  state: "ENABLED" | "DISABLED" | "DESTROYED";
}

/** The part of Google Cloud that outlives the resources of a stack. */
export interface Google {
  /** The address that every reserved address gets: of RFC 5737's documentation range by default. */
  address: string;
  projectNumber: string;
  /** Where a cluster's API server answers, as Google names one. */
  clusterEndpoint: string;
  /** Secret Manager by secret id, versions in order of creation. */
  secrets: Map<string, SecretVersion[]>;
  /** Who may do what, as grantOf writes it: one grant, however many resources ask for it. */
  grants: Set<string>;
}

/** The resource types of @pulumi/gcp that the program uses or may use next. */
export function gcpKinds(google: Google): Record<string, Kind> {
  const special: Record<string, Partial<Kind>> = {
    "gcp:secretmanager/secret:Secret": {
      create: (act) => secret(google, act),
      remove: async ({ olds }) => void google.secrets.delete(String(olds.secretId)),
    },
    "gcp:secretmanager/secretVersion:SecretVersion": {
      create: (act) => secretVersion(google, act),
      update: async (act) => setState(google, act, act.inputs.enabled === false),
      remove: async (act) => removeVersion(google, act),
      secretOutputs: ["secretData"],
    },
    "gcp:serviceaccount/account:Account": { create: async (act) => account(act) },
    "gcp:compute/address:Address": {
      create: async (act) => place(act, "regions", "addresses", { address: google.address }),
    },
    "gcp:compute/instance:Instance": {
      create: async (act) => instance(google, act),
      update: async (act) => instance(google, act).outputs,
      // Terraform's google_compute_instance: a CustomizeDiff, which the schema does not show.
      replaces: ({ inputs, olds }) =>
        inputs.metadataStartupScript === olds.metadataStartupScript
          ? []
          : ["metadataStartupScript"],
    },
    // Its id holds the disk: a policy may be attached to the old disk and the new one at the same time.
    "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment": {
      create: async (act) => place(act, "zones", `disks/${act.inputs.disk}/resourcePolicies`, {}),
    },
    "gcp:storage/bucket:Bucket": {
      create: async ({ inputs }) => ({
        id: String(inputs.name),
        outputs: { projectNumber: Number(google.projectNumber), url: `gs://${inputs.name}` },
      }),
    },
    "gcp:container/cluster:Cluster": cluster(google.clusterEndpoint),
    "gcp:compute/disk:Disk": {
      // Terraform's google_compute_disk: "customdiff.ForceNewIfChange" when the size gets smaller.
      replaces: ({ inputs, olds }) => (Number(inputs.size) < Number(olds.size) ? ["size"] : []),
    },
  };
  const kinds = Object.entries({ ...measured, ...byHand, ...gkeSchemas }).map(([type, known]) => {
    const { member } = known;
    const schema = member ? { ...known, member: { ...member, anyCase: true } } : known;
    const kind: Kind = {
      schema,
      create: async (act) => place(act, scopeOf(schema), collectionOf(type), {}),
      ...(member && grant(google, schema)),
      ...special[type],
    };
    return [type, { ...kind, remove: (act) => remove(kind, act) } satisfies Kind] as const;
  });
  return Object.fromEntries(kinds);
}

/** Terraform's iam_member resources (tpgiamresource): they know a member by its address in lower case, as Google does. */
const grant = (google: Google, schema: Schema): Pick<Kind, "create" | "remove"> => ({
  create: async (act) => {
    google.grants.add(grantOf(act.inputs));
    return place(act, scopeOf(schema), "iamMembers", {});
  },
  remove: async ({ olds }) => void google.grants.delete(grantOf(olds)),
});

const grantOf = ({ secretId, instance, bucket, project, role, member }: Values): string =>
  [secretId ?? instance ?? bucket ?? project, role, String(member).toLowerCase()].join(" ");

function scopeOf(schema: Schema): string {
  return schema.zone ? "zones" : schema.region ? "regions" : "global";
}

// Google's resource names: gcp:compute/resourcePolicy:ResourcePolicy is found under resourcePolicies.
function collectionOf(type: string): string {
  const [, one = ""] = /\/(\w+):/.exec(type) ?? [];
  return one.endsWith("y") ? `${one.slice(0, -1)}ies` : one.endsWith("s") ? `${one}es` : `${one}s`;
}

async function remove(kind: Kind, act: Act): Promise<void> {
  if (act.olds.deletionProtection === true)
    throw new Error(`deletionProtection: is true, set it to false before "${act.name}" goes`);
  if (act.olds.deletionPolicy === "PREVENT")
    throw new Error(`deletionPolicy: is PREVENT, "${act.name}" cannot be destroyed`);
  await kind.remove?.(act);
}

function place({ inputs, world }: Act, scope: string, collection: string, outputs: Values) {
  const where = { project: world.project, ...locationOf(scope, world) };
  const at = { ...where, ...pick(inputs, Object.keys(where)) } as Record<string, string>;
  const path = { zones: `zones/${at.zone}`, regions: `regions/${at.region}` }[scope] ?? "global";
  const name = String(inputs.name ?? inputs.secretId ?? inputs.service ?? randomUUID());
  const id = `projects/${at.project}/${path}/${collection}/${name}`;
  const selfLink = `https://www.googleapis.com/compute/v1/${id}`;
  return {
    id,
    outputs: { ...at, selfLink, creationTimestamp: world.now().toISOString(), ...outputs },
  };
}

function locationOf(scope: string, { zone, region }: World): Values {
  return scope === "zones" ? { zone } : scope === "regions" ? { region } : {};
}

function pick(values: Values, keys: string[]): Values {
  return Object.fromEntries(keys.flatMap((key) => (values[key] ? [[key, values[key]]] : [])));
}

function account(act: Act) {
  const { accountId } = act.inputs;
  const project = String(act.inputs.project ?? act.world.project);
  const email = `${accountId}@${project}.iam.gserviceaccount.com`;
  const name = `projects/${project}/serviceAccounts/${email}`;
  return { id: name, outputs: { project, email, member: `serviceAccount:${email}`, name } };
}

function instance(google: Google, act: Act) {
  const networkInterfaces = (act.inputs.networkInterfaces as Values[]).map((one, i) => ({
    name: `nic${i}`,
    networkIp: "10.0.0.2",
    ...one,
    accessConfigs: ((one.accessConfigs ?? []) as Values[]).map((access) => ({
      natIp: google.address,
      ...access,
    })),
  }));
  return place(act, "zones", "instances", {
    networkInterfaces,
    instanceId: act.olds.instanceId ?? String(randomInt(2 ** 47)),
    currentStatus: "RUNNING",
  });
}

async function secret(google: Google, { inputs, world }: Act) {
  const secretId = String(inputs.secretId);
  const project = String(inputs.project ?? world.project);
  if (google.secrets.has(secretId)) throw new Error(`secretId: "${secretId}" already exists`);
  google.secrets.set(secretId, []);
  // Google answers with the number of the project, whatever the request called it.
  const name = `projects/${google.projectNumber}/secrets/${secretId}`;
  return { id: `projects/${project}/secrets/${secretId}`, outputs: { project, name } };
}

// Versions asked for at the same moment are numbered last first: the order of a program is real only
// where one version depends on another.
const sameMomentMs = 25;
const waiting = new Map<SecretVersion[], (() => void)[]>();

async function secretVersion(google: Google, { inputs }: Act) {
  const { secretId, versions } = versionsOf(google, inputs);
  await turn(versions);
  const number = String(versions.length + 1);
  const name = `projects/${google.projectNumber}/secrets/${secretId}/versions/${number}`;
  const state = inputs.enabled === false ? "DISABLED" : "ENABLED";
  versions.push({ name, data: String(inputs.secretData ?? inputs.secretDataWo), state });
  return { id: name, outputs: { name, version: number, enabled: state === "ENABLED" } };
}

async function turn(versions: SecretVersion[]): Promise<void> {
  const queue = waiting.get(versions) ?? [];
  waiting.set(versions, queue);
  const mine = new Promise<void>((resolve) => queue.unshift(resolve));
  if (queue.length === 1) {
    await pause(sameMomentMs);
    waiting.delete(versions);
    for (const go of queue) go();
  }
  await mine;
}

function versionsOf(google: Google, values: Values) {
  const secretId = String(values.secret).split("/").pop() ?? "";
  const versions = google.secrets.get(secretId);
  if (!versions) throw new Error(`secret: "${values.secret}" does not exist`);
  return { secretId, versions };
}

function setState(google: Google, { inputs, olds }: Act, disabled: boolean): Values {
  const version = versionsOf(google, inputs).versions.find(({ name }) => name === olds.name);
  if (version) version.state = disabled ? "DISABLED" : "ENABLED";
  return { enabled: !disabled };
}

function removeVersion(google: Google, { olds }: Act): void {
  const versions = google.secrets.get(String(olds.secret).split("/").pop() ?? "");
  const version = versions?.find(({ name }) => name === olds.name);
  if (!version || olds.deletionPolicy === "ABANDON") return;
  version.state = olds.deletionPolicy === "DISABLE" ? "DISABLED" : "DESTROYED";
  if (version.state === "DESTROYED") version.data = "";
}
