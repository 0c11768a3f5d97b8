import { isObject, type Json, type Resource } from "./marks";

/** What the rules below may look at. */
export interface Place {
  type: string;
  /** The resource, with its marks. */
  resource: { [key: string]: Json };
  /** Where in the resource, as `outputs.effectiveLabels.team`; a field of JSON in a text counts as one more step. */
  path: string;
  value: string;
  /** Every plain value of the stack file, which is in git. */
  plainConfig: ReadonlySet<string>;
}

const kubernetesSecret = /^kubernetes:core\/v1:Secret$/;
const certificates =
  /^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n)+$/;

/**
 * What Pulumi marks secret and is public all the same. Everything else that is marked becomes a stand-in; what a known
 * secret is put together with needs no line here where it is a whole value of the state or a word of the resource's name.
 * A new line says where, and what exactly may stand there.
 */
const publicPlaces: { type: RegExp; path: RegExp; allows: (place: Place) => boolean }[] = [
  {
    // The provider marks labels; ours come from the stack file.
    type: /^gcp:/,
    path: /^outputs\.(pulumiLabels|effectiveLabels)\.[\w-]+$/,
    allows: ({ path, value, plainConfig }) =>
      path.endsWith(".goog-pulumi-provisioned") ? value === "true" : plainConfig.has(value),
  },
  {
    // The endpoint lies beside the ingestion key for engineers, and is no secret in itself.
    type: /^gcp:secretmanager\/secretVersion:SecretVersion$/,
    path: /^(inputs|outputs)\.secretData\.(grpc|url|caCertificate)$/,
    allows: ({ resource, path, value }) =>
      /\/monitoring-signoz-otlp-endpoint-secret-[a-z0-9-]+$/.test(secretOf(resource)) &&
      endpointForms[path.split(".").at(-1) ?? ""]?.test(value) === true,
  },
  {
    // Beside the private key, and the provider marks all of a Secret or nothing.
    type: kubernetesSecret,
    path: /^(inputs|outputs(\.__inputs)?)\.data\.tls\.crt$/,
    allows: ({ value }) => certificates.test(Buffer.from(value, "base64").toString()),
  },
  {
    // A digest of names and files, which says what the keys beside it are of.
    type: kubernetesSecret,
    path: /^(inputs|outputs(\.__inputs)?)\.data\.version$/,
    allows: ({ value }) => /^[0-9a-f]{64}$/.test(Buffer.from(value, "base64").toString()),
  },
  {
    // The provider marks every output of a command that was given one secret.
    type: /^command:local:Command$/,
    path: /^outputs\.(create|triggers\[\d+\]|environment\.[A-Z_]+)$/,
    allows: ({ resource, path, value }) =>
      at(resource.inputs ?? null, path.replace("outputs.", "")) === value,
  },
];

const endpointForms: Record<string, RegExp> = {
  grpc: /^\d{1,3}(\.\d{1,3}){3}:4317$/,
  url: /^https:\/\/[a-z0-9.-]+:4317$/,
  caCertificate: certificates,
};

const keyOwner = /^\n?([^\s@]+@[a-z0-9.-]+|monitoring-probe)\.$/;

/** What a program writes around known secrets, by its place: all that may stand there beside them. */
const publicPieces: { type: RegExp; path: RegExp; piece: RegExp }[] = [
  {
    type: kubernetesSecret,
    path: /\.data\.dsn$/,
    piece:
      /^(tcp:\/\/[a-z]+:|@(clickhouse|monitoring-[a-z0-9-]+\.[a-z0-9-]+\.c\.[a-z0-9-]+\.internal):9000)$/,
  },
  {
    type: kubernetesSecret,
    path: /\.data\.passwords\.xml$/,
    piece: /^(<\/?[a-z_0-9]+>\n?)+$/,
  },
  // Whose a key is; engineers' addresses are in git, and in who may read their secrets.
  { type: kubernetesSecret, path: /\.data\.keys$/, piece: keyOwner },
  {
    type: /^gcp:secretmanager\/secretVersion:SecretVersion$/,
    path: /\.secretData$/,
    piece: keyOwner,
  },
];

/**
 * Names of fields inside marked values: a key there may be a secret too, so only these are kept.
 * Add the fields of a new secret's payload.
 */
const publicFields = new Set([
  ...["grpc", "url", "caCertificate"],
  ...["smtpPassword", "slackWebhookUrl", "webhookUrl", "webhookToken"],
  ...["signoz", "collector", "migrator"],
  ...["create", "environment", "triggers"],
  ...["keys", "tls.crt", "tls.key", "password", "dsn", "passwords.xml", "replica"],
  ...["version", "backup", "restore"],
  "goog-pulumi-provisioned",
]);

export const isPublicPlace = (place: Place): boolean =>
  publicPlaces.some(
    ({ type, path, allows }) => type.test(place.type) && path.test(place.path) && allows(place),
  );

export const isPublicPiece = (piece: string, { type }: Resource, path: string): boolean =>
  publicPieces.some(
    (one) => one.type.test(String(type)) && one.path.test(path) && one.piece.test(piece),
  );

export const isPublicField = (key: string, plainConfig: ReadonlySet<string>): boolean =>
  publicFields.has(key) || /^(GATE|READY)_[A-Z_]+$/.test(key) || plainConfig.has(key);

const secretOf = ({ inputs }: { [key: string]: Json }): string =>
  isObject(inputs) && typeof inputs.secret === "string" ? inputs.secret : "";

function at(value: Json, path: string): Json | undefined {
  return path
    .split(/\.|\[|\]\.?/)
    .filter(Boolean)
    .reduce<Json | undefined>(
      (inner, key) =>
        typeof inner === "object" && inner !== null
          ? (inner as { [key: string]: Json })[key]
          : undefined,
      value,
    );
}
