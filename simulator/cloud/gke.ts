import schemas from "./gke-provider-schema.json";
import type { Act, Kind } from "./kind.js";
import type { Schema } from "./schema.js";

/** Names and shapes of @pulumi/gcp 9.37.0; which inputs replace is read in Terraform's provider. */
export const gkeSchemas = schemas as unknown as Record<string, Schema>;

/** @param endpoint DNS name under which clusters answer */
export const cluster = (endpoint: string): Partial<Kind> => ({
  create: async ({ inputs, world }: Act) => ({
    id: `projects/${world.project}/locations/${inputs.location}/clusters/${inputs.name}`,
    outputs: {
      project: world.project,
      controlPlaneEndpointsConfig: {
        ...Object(inputs.controlPlaneEndpointsConfig),
        dnsEndpointConfig: { allowExternalTraffic: true, endpoint },
      },
    },
  }),
});
