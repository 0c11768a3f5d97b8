import * as field from "./fields";

/** Where telemetry goes when SigNoz Cloud keeps it. */
export const cloud = {
  cloudEndpoint: field.key(
    "Ingestion endpoint of SigNoz Cloud in your region",
    field.optional(field.hostAndPort("ingest.eu.signoz.cloud:443")),
  ),
  cloudIngestionKey: field.key(
    "Ingestion key of SigNoz Cloud, which the gate alone uses; set with --secret",
    field.secret(/^[!-~]+$/, "a key without blanks"),
  ),
};
