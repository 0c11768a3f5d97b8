import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

type PodSpec = types.input.core.v1.PodSpec;
type Container = types.input.core.v1.Container;

/** Whom a pod is found by. */
export const labels = (app: string) => ({ app });

export interface PodArgs extends Omit<PodSpec, "containers" | "initContainers"> {
  /** Whom its processes run as, and whom its volumes belong to. */
  user: number;
  containers: Container[];
  initContainers?: Container[];
}

/**
 * A pod that can do nothing but its work: no account, no root, no capability, a file system that nothing writes to.
 * The namespace refuses any other (Kubernetes, "Pod Security Standards", restricted), but for the file system.
 */
export function lockedPod({ user, containers, initContainers = [], ...rest }: PodArgs) {
  const locked = (container: Container): Container => ({
    ...container,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    },
  });
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      // Else every start would walk through all files of a grown disk.
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: containers.map(locked),
    ...(initContainers.length > 0 && { initContainers: initContainers.map(locked) }),
    ...rest,
  } satisfies PodSpec;
}

/**
 * Never two on a node, and spread over zones.
 * @param zones how many there must be before two share one, however few have nodes yet; 0: rather share one than wait. Their
 *   disks keep them where they once were, so no more zones than replicas: in a zone with two a later zone would be in the way.
 */
export const apart = (app: string, zones: number) =>
  ({
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: labels(app) } },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        topologyKey: "topology.kubernetes.io/zone",
        maxSkew: 1,
        ...(zones > 0
          ? { whenUnsatisfiable: "DoNotSchedule", minDomains: zones }
          : { whenUnsatisfiable: "ScheduleAnyway" }),
        labelSelector: { matchLabels: labels(app) },
      },
    ],
  }) satisfies Partial<PodSpec>;

/** A size as the API server gives it back: 1024Gi would be another one than its 1Ti at every preview. */
export const size = (mib: number): string =>
  mib % 2 ** 20 === 0 ? `${mib / 2 ** 20}Ti` : mib % 1024 === 0 ? `${mib / 1024}Gi` : `${mib}Mi`;

/** Autopilot takes the request for the limit too. Parts of a CPU are thousandths, as the API server gives them back. */
export const resources = (cpu: string | number, memoryMib: number) => {
  const isPart = typeof cpu === "number" && !Number.isInteger(cpu);
  const amount = {
    cpu: isPart ? `${Math.round(cpu * 1000)}m` : String(cpu),
    memory: size(memoryMib),
  };
  return { requests: amount, limits: amount };
};

/** A probe by bash: the images have neither curl nor wget in common. */
export const httpCheck = (port: number, path: string) => ({
  exec: {
    command: [
      "bash",
      "-c",
      `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3`,
    ],
  },
  periodSeconds: 5,
  timeoutSeconds: 5,
});

/** Fields that somebody changed by hand are theirs then, and the API server refuses ours; the program has the last word. */
export const annotated = (annotations: Record<string, pulumi.Input<string>> = {}) => ({
  annotations: { "pulumi.com/patchForce": "true", ...annotations },
});

/** What every object of ours says of itself. */
export const metadata = (
  namespace: pulumi.Input<string>,
  name: string,
  annotations?: Record<string, pulumi.Input<string>>,
) => ({ namespace, name, labels: labels(name), ...annotated(annotations) });
