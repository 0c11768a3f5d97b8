import type { types } from "@pulumi/kubernetes";
import { Job } from "@pulumi/kubernetes/batch/v1/job";
import type * as pulumi from "@pulumi/pulumi";
import { labels, lockedPod, metadata, resources } from "./pods";

export interface OnceArgs {
  namespace: pulumi.Input<string>;
  /** Its name in the cluster. */
  job: string;
  /** Whom it is found by in the namespace's walls. */
  app: string;
  user: number;
  container: Omit<types.input.core.v1.Container, "name" | "resources">;
  volumes?: types.input.core.v1.Volume[];
  /** Whether what depends on it goes on while it runs. */
  detached?: boolean;
}

/** What runs to its end, once for every change of it. A Job cannot change: another spec is another Job under the same name. */
export const once = (name: string, args: OnceArgs, opts: pulumi.CustomResourceOptions) => {
  const { volumeMounts = [], ...container } = args.container;
  return new Job(
    `${name}-${args.job}`,
    {
      metadata: metadata(
        args.namespace,
        args.job,
        args.detached ? { "pulumi.com/skipAwait": "true" } : undefined,
      ),
      spec: {
        backoffLimit: 10,
        template: {
          metadata: { labels: labels(args.app) },
          spec: {
            ...lockedPod({
              user: args.user,
              containers: [
                {
                  name: args.app,
                  ...container,
                  resources: resources("250m", 512),
                  volumeMounts: [
                    { name: "tmp", mountPath: "/tmp" },
                    ...(volumeMounts as types.input.core.v1.VolumeMount[]),
                  ],
                },
              ],
              volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }, ...(args.volumes ?? [])],
            }),
            restartPolicy: "OnFailure",
          },
        },
      },
    },
    { ...opts, deleteBeforeReplace: true, replaceOnChanges: ["spec"] },
  );
};
