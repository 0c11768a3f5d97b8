import { createHash } from "node:crypto";
import { parse, parseDocument, visit } from "yaml";

/** Pulumi's mark of a secret in a state file (sdk/go/common/resource, SigKey and SecretSig). */
const sigKey = "4dabf18193072939515e22adb298388d";
const secretSig = "1b47061264138c4ac30d75fd1eb44270";

/** Resources whose secret outputs are the program's secrets; every other secret value is made from them. */
const generators = /^(random:index\/|tls:index\/privateKey:)/;

/** Marked secret by the provider, and public all the same: left as they are, or every preview would show them changed. */
const publicProperties = new Set(["pulumiLabels", "effectiveLabels", "effectiveAnnotations"]);
const publicSecretVersion = /-otlp-endpoint-secret-/;

/** Shorter values turn up in other text by chance. */
const shortestSecret = 8;

/** How a program writes a secret into another value; a stand-in goes through the same function, so nothing differs. */
const encodings: ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => Buffer.from(text).toString("base64"),
  (text) => encodeURIComponent(text),
  (text) => createHash("sha256").update(text).digest("hex"),
];

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Replacement = readonly [secret: string, standIn: string];

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 40);

/** A letters-and-digits value for a generated secret, the same for the same place in the state. */
const generatedStandIn = (place: string) => `standin${digest(place)}`;

/** A URL, since config secrets are webhooks: a check of their form must let the stand-in through. */
const configStandIn = (ciphertext: string) => `https://stand-in.invalid/${digest(ciphertext)}`;

/** A stack file's text with a stand-in for each `secure:` value and without its secrets provider. */
export function standInConfig(yaml: string): string {
  const document = parseDocument(yaml);
  for (const key of ["secretsprovider", "encryptedkey", "encryptionsalt"]) document.delete(key);
  visit(document, {
    Map(_, node) {
      const secure = node.items.length === 1 ? node.get("secure") : undefined;
      return typeof secure === "string" ? document.createNode(configStandIn(secure)) : undefined;
    },
  });
  return document.toString();
}

/** The same stand-ins as `pulumi config set-all --path --secret` takes them (`key.path[0]=value`), to be encrypted anew. */
export function standInSecrets(yaml: string): string[] {
  const paths = (value: Json, path: string): string[] => {
    if (typeof value !== "object" || value === null) return [];
    if (Array.isArray(value))
      return value.flatMap((item, index) => paths(item, `${path}[${index}]`));
    if (typeof value.secure === "string") return [`${path}=${configStandIn(value.secure)}`];
    return Object.entries(value).flatMap(([key, item]) => paths(item, `${path}.${key}`));
  };
  const { config = {} } = parse(yaml) as { config?: { [key: string]: Json } };
  return Object.entries(config).flatMap(([key, value]) => paths(value, key));
}

/**
 * A copy of a state in which no secret is left.
 * @param exported the object of `pulumi stack export --show-secrets`
 * @param stackYaml the stack file, whose ciphertexts name the stand-ins of config secrets
 * @param config the object of `pulumi config --json --show-secrets`
 * @throws when a secret is too short to be replaced safely, or is found in the copy after all
 */
export function redactState(exported: unknown, stackYaml: string, config: unknown): unknown {
  const state = structuredClone(exported) as { deployment?: { [key: string]: Json } };
  if (!state.deployment)
    throw new Error("the state has no `deployment`: is it the output of `pulumi stack export`?");
  delete state.deployment.secrets_providers;
  const resources = (state.deployment.resources ?? []) as { [key: string]: Json }[];
  const replacements = [
    ...configSecrets(stackYaml, config),
    ...resources.flatMap((resource) =>
      generators.test(String(resource.type))
        ? marked(resource.outputs ?? null, `${resource.urn}`).map(
            ([secret, place]) => [secret, generatedStandIn(place)] as const,
          )
        : [],
    ),
  ].flatMap(encoded);
  // The longest first: a key that contains another secret must go as a whole.
  replacements.sort(([a], [b]) => b.length - a.length);
  state.deployment.resources = resources.map((resource) => {
    const open =
      String(resource.type) === "gcp:secretmanager/secretVersion:SecretVersion" &&
      publicSecretVersion.test(JSON.stringify(resource.inputs ?? ""));
    return redact(resource, replacements, `${resource.urn}`, open) as { [key: string]: Json };
  });
  const text = JSON.stringify(state);
  if (replacements.some(([secret]) => text.includes(JSON.stringify(secret).slice(1, -1))))
    throw new Error("a secret is still in the copy of the state; nothing was published");
  return state;
}

/** Replaces known secrets in every string; a value marked secret that holds none of them goes as a whole. */
function redact(value: Json, replacements: Replacement[], place: string, open: boolean): Json {
  if (typeof value === "string") return replaced(value, replacements);
  if (Array.isArray(value))
    return value.map((item, index) => redact(item, replacements, `${place}[${index}]`, open));
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) {
    const plain = hide(plaintext(value, place), replacements, place, open);
    return { [sigKey]: secretSig, plaintext: JSON.stringify(plain) };
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      replaced(key, replacements),
      redact(item, replacements, `${place}.${key}`, open || publicProperties.has(key)),
    ]),
  );
}

function hide(value: Json, replacements: Replacement[], place: string, open: boolean): Json {
  if (typeof value === "string") {
    const text = replaced(value, replacements);
    if (text !== value || open || value === "") return text;
    const object = asObject(value);
    return object
      ? JSON.stringify(hide(object, replacements, place, open))
      : generatedStandIn(place);
  }
  if (typeof value === "number") return open ? value : 0;
  if (Array.isArray(value))
    return value.map((item, index) => hide(item, replacements, `${place}[${index}]`, open));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        hide(item, replacements, `${place}.${key}`, open),
      ]),
    );
  return value;
}

/** The object that a text holds as JSON, when printing it again gives the same text. */
function asObject(text: string): Json | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const object = JSON.parse(text) as Json;
    return JSON.stringify(object) === text ? object : undefined;
  } catch {
    return undefined;
  }
}

function replaced(text: string, replacements: Replacement[]): string {
  return replacements.reduce((rest, [secret, standIn]) => rest.replaceAll(secret, standIn), text);
}

function encoded([secret, standIn]: Replacement): Replacement[] {
  const trimmed = secret.trim();
  if (trimmed.length < shortestSecret)
    throw new Error(
      `a secret of ${trimmed.length} characters is too short to be told from other text; use ${shortestSecret} or more`,
    );
  // Untrimmed too: base64 and hashes of a value with its final newline differ from those without.
  return [...new Set([secret, trimmed])].flatMap((text) => {
    const tail = text === secret ? secret.slice(secret.trimEnd().length) : "";
    return encodings.map((encode) => [encode(text), encode(standIn + tail)] as const);
  });
}

/** Every string under a secret mark, with its place. */
function marked(value: Json, place: string, inSecret = false): [string, string][] {
  if (typeof value === "string") return inSecret && value !== "" ? [[value, place]] : [];
  if (Array.isArray(value))
    return value.flatMap((item, index) => marked(item, `${place}[${index}]`, inSecret));
  if (typeof value !== "object" || value === null) return [];
  if (isSecret(value)) return marked(plaintext(value, place), place, true);
  return Object.entries(value).flatMap(([key, item]) => marked(item, `${place}.${key}`, inSecret));
}

const isSecret = (value: { [key: string]: Json }) => value[sigKey] === secretSig;

function plaintext(value: { [key: string]: Json }, place: string): Json {
  if (typeof value.plaintext !== "string")
    throw new Error(`${place} is encrypted: export the state with --show-secrets`);
  return JSON.parse(value.plaintext) as Json;
}

function configSecrets(stackYaml: string, config: unknown): Replacement[] {
  const file = parse(stackYaml) as { config?: { [key: string]: Json } };
  const values = config as Record<string, { value?: Json; objectValue?: Json }>;
  return Object.entries(file.config ?? {}).flatMap(([key, value]) =>
    secureValues(value, values[key]?.objectValue ?? values[key]?.value, key),
  );
}

/** Walks a config value of the stack file beside its decrypted twin. */
function secureValues(value: Json, plain: Json | undefined, key: string): Replacement[] {
  if (typeof value !== "object" || value === null) return [];
  if (!Array.isArray(value) && typeof value.secure === "string") {
    if (typeof plain !== "string")
      throw new Error(`config ${key} is encrypted, and its value is not in the given config`);
    return [[plain, configStandIn(value.secure)]];
  }
  return Object.entries(value).flatMap(([part, item]) =>
    secureValues(item, (plain as { [key: string]: Json } | undefined)?.[part], `${key}.${part}`),
  );
}
