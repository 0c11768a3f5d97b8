import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { apart, labels, lockedPod, metadata, type PodArgs, size } from "./pods";

export interface ReplicatedArgs {
  namespace: pulumi.Input<string>;
  replicas: number;
  /** Number of the first one, part of its name. */
  first: number;
  /** Ports by name; replicas find each other by them. */
  ports: Record<string, number>;
  diskGb: number;
  /** Name of the StorageClass, which lets disks grow. */
  storageClass: pulumi.Input<string>;
  /** Zones over which they are spread where a zone's end must leave one, or a majority; 0 where it need not. */
  zones: number;
  pod: PodArgs;
  /** Of the pods: another value starts them anew, one after the other. */
  annotations?: Record<string, pulumi.Input<string>>;
}

/** The smallest size of a disk, which the template says for ever: it is immutable, and the claims are made beforehand. */
const templateGb = 10;

/**
 * Replicas with a disk and a name each, never two on a node, at most one away at a time.
 * A disk is a claim of this program's own, under the name that the StatefulSet looks for: that is how it grows in place.
 * It stays when its replica or the stack goes.
 */
export class Replicated extends pulumi.ComponentResource {
  /** Known once every replica is ready in its newest version. */
  readonly ready: pulumi.Output<string>;

  constructor(
    name: string,
    app: string,
    args: ReplicatedArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("monitoring:index:Replicated", `${name}-${app}`, {}, opts);
    const self = within(this, opts);
    const { namespace, replicas, first, storageClass } = args;

    const claims = Array.from({ length: replicas }, (_, index) => {
      const claim = `disk-${app}-${first + index}`;
      return new PersistentVolumeClaim(
        `${name}-${claim}`,
        {
          // The provider waits for a claim to be pending, which one that a pod uses never is again.
          metadata: metadata(namespace, claim, { "pulumi.com/skipAwait": "true" }),
          spec: claimSpec(storageClass, args.diskGb),
        },
        { ...self, retainOnDelete: true },
      );
    });
    const names = new Service(
      `${name}-${app}-names`,
      {
        metadata: metadata(namespace, `${app}-names`),
        spec: {
          clusterIP: "None",
          // They must find each other to become ready.
          publishNotReadyAddresses: true,
          selector: labels(app),
          ports: Object.entries(args.ports).map(([port, number]) => ({ name: port, port: number })),
        },
      },
      self,
    );
    const set = new StatefulSet(
      `${name}-${app}`,
      {
        metadata: metadata(namespace, app),
        spec: {
          serviceName: names.metadata.name,
          replicas,
          ...(first > 0 && { ordinals: { start: first } }),
          podManagementPolicy: "Parallel",
          selector: { matchLabels: labels(app) },
          template: {
            metadata: {
              labels: labels(app),
              ...(args.annotations && { annotations: args.annotations }),
            },
            spec: { ...lockedPod(args.pod), ...apart(app, args.zones) },
          },
          volumeClaimTemplates: [
            { metadata: { name: "disk" }, spec: claimSpec(storageClass, templateGb) },
          ],
        },
      },
      // One after the other, and Pulumi's ten minutes are for all.
      { ...self, dependsOn: claims, customTimeouts: patience(replicas) },
    );
    new PodDisruptionBudget(
      `${name}-${app}-budget`,
      {
        metadata: metadata(namespace, app),
        spec: { maxUnavailable: 1, selector: { matchLabels: labels(app) } },
      },
      self,
    );
    this.ready = set.metadata.uid;
    this.registerOutputs();
  }
}

const patience = (replicas: number) => {
  const minutes = `${10 + 3 * replicas}m`;
  return { create: minutes, update: minutes };
};

const claimSpec = (storageClassName: pulumi.Input<string>, gb: number) => ({
  accessModes: ["ReadWriteOnce"],
  storageClassName,
  resources: { requests: { storage: size(gb * 1024) } },
});
