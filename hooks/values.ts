import * as pulumi from "@pulumi/pulumi";
import type { GateCertificate } from "../infra/certificate";
import type { Settings } from "../infra/config/settings";
import type { IngestionKeys } from "../infra/ingestionKeys";

/** What the hook carries to every engineer: the configuration, and what was made of it. */
export const hookValues = (
  { engineers, place }: Pick<Settings, "engineers" | "place">,
  certificate: Pick<GateCertificate, "caCertificate">,
  keys: Pick<IngestionKeys, "shared" | "personalSecretId">,
  endpointUrl: pulumi.Input<string>,
) =>
  pulumi.output({
    project: place.project,
    org: engineers.org,
    defaultTeam: engineers.defaultTeam,
    teamVariable: engineers.teamVariable,
    engineerVariable: engineers.engineerVariable,
    onePasswordReference: engineers.onePasswordReference ?? "",
    keyGeneration: engineers.ingestionKeyGenerations.at(-1) ?? "none",
    instrumentPrograms: engineers.instrumentPrograms,
    caCertificate: certificate.caCertificate,
    endpointUrl,
    ingestionKeySecret: keys.shared.secretId,
    personalKeySecret: keys.personalSecretId,
  });
