import type * as pulumi from "@pulumi/pulumi";

/** Options of a component's resources: they wait for what the component waits for, which Pulumi does not pass on. */
export const within = (
  parent: pulumi.ComponentResource,
  opts: pulumi.ComponentResourceOptions | undefined,
) => ({ parent, ...(opts?.dependsOn && { dependsOn: opts.dependsOn }) });
