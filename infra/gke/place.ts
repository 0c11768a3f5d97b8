import { Namespace } from "@pulumi/kubernetes/core/v1/namespace";
import { StorageClass } from "@pulumi/kubernetes/storage/v1/storageClass";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { annotated } from "./pods";

/** Everything's namespace; progress.sh looks there. */
export const namespaceName = "monitoring";

export interface PlaceArgs {
  /** Cloud KMS key that encrypts the disks. */
  kmsKey: string;
}

/** Where pods and disks lie: a namespace that takes locked pods alone, and a class of disks that grow and stay. */
export class Place extends pulumi.ComponentResource {
  readonly namespace: pulumi.Output<string>;
  /** Name of the StorageClass. */
  readonly storageClass: pulumi.Output<string>;

  constructor(name: string, { kmsKey }: PlaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Place", name, {}, opts);
    const self = within(this, opts);
    const namespace = new Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: namespaceName,
          ...annotated(),
          labels: { "pod-security.kubernetes.io/enforce": "restricted" },
        },
      },
      self,
    );
    const storage = new StorageClass(
      `${name}-disks`,
      {
        metadata: { name: namespaceName, ...annotated() },
        provisioner: "pd.csi.storage.gke.io",
        parameters: { type: "pd-balanced", "disk-encryption-kms-key": kmsKey },
        allowVolumeExpansion: true,
        reclaimPolicy: "Retain",
        // In the zone in which its pod starts.
        volumeBindingMode: "WaitForFirstConsumer",
      },
      self,
    );
    this.namespace = namespace.metadata.name;
    this.storageClass = storage.metadata.name;
    this.registerOutputs();
  }
}
