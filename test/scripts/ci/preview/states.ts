import { createHash, createHmac } from "node:crypto";
import { deflateSync, gzipSync } from "node:zlib";
import { markKey, secretMark } from "../../../../policy/resource";

/** Pulumi's mark, as `pulumi stack export --show-secrets` prints it. */
export const marked = (value: unknown) => ({
  [markKey]: secretMark,
  plaintext: JSON.stringify(value),
});

/** Numbers from a seed (mulberry32), so that a failing case can be run again. */
export function seeded(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const text = (length: number, alphabet: string) =>
    Array.from({ length }, () => pick([...alphabet])).join("");
  return { next, below, pick, text };
}
export type Random = ReturnType<typeof seeded>;

const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const base64Letters = `${letters}+/01lOI`;

/** Secrets as people and programs have them: random, guessable, with signs that encodings change, keys. */
const secretKinds: ((random: Random) => string)[] = [
  (random) => random.text(40, letters),
  (random) => random.text(32, `${letters}-_`),
  (random) => `Summer${2000 + random.below(99)}!${random.text(3, letters)}`,
  (random) => `hunter-${random.below(1e6)}-two`,
  (random) => `pass"word\\${random.text(6, letters)}\n<&>%`,
  (random) => `geheim-ü-🔑-${random.text(8, letters)}`,
  (random) => `https://chat.example.com/hooks/${random.text(20, letters)}`,
  (random) => `user:${random.text(12, letters)}@db.internal/x?y=${random.text(5, letters)}`,
  (random) => {
    const body = Array.from({ length: 3 }, () => random.text(64, base64Letters)).join("\n");
    return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
  },
  (random) => JSON.stringify({ type: "service_account", private_key: random.text(44, letters) }),
];
export const newSecret = (random: Random) => random.pick(secretKinds)(random);

const inner = (text: string) => JSON.stringify(text).slice(1, -1);
const hash = (algorithm: string, text: string, encoding: "hex" | "base64" = "hex") =>
  createHash(algorithm).update(text).digest(encoding);

/** What a program makes of a secret in passing, by name. Each is a leak where Pulumi's mark got lost. */
export const derivations: Record<string, (secret: string) => string> = {
  "as it is": (secret) => secret,
  "in a sentence": (secret) => `curl -H "key: ${secret}" https://example.com`,
  trimmed: (secret) => secret.trim(),
  "in base64": (secret) => Buffer.from(secret).toString("base64"),
  "in base64url": (secret) => Buffer.from(secret).toString("base64url"),
  "in base64 of a longer text, 1 before": (secret) => Buffer.from(`a${secret}`).toString("base64"),
  "in base64 of a longer text, 2 before": (secret) =>
    Buffer.from(`ab${secret}z`).toString("base64"),
  "as basic authentication": (secret) =>
    `Basic ${Buffer.from(`admin:${secret}`).toString("base64")}`,
  "in base64 behind 1 letter": (secret) => `k${Buffer.from(secret).toString("base64")}`,
  "in base64 behind 2 letters": (secret) => `k/${Buffer.from(secret).toString("base64")}`,
  "in base64 behind 3 letters": (secret) => `key${Buffer.from(secret).toString("base64")}`,
  "in folded base64": (secret) =>
    Buffer.from(`${secret}${secret}`)
      .toString("base64")
      .replace(/(.{19})/g, "$1\n"),
  "in base64 twice": (secret) =>
    Buffer.from(Buffer.from(secret).toString("base64")).toString("base64"),
  "in hexadecimal": (secret) => Buffer.from(secret).toString("hex"),
  "in upper-case hexadecimal": (secret) => Buffer.from(`x${secret}`).toString("hex").toUpperCase(),
  "URL-encoded": (secret) => encodeURIComponent(secret),
  "in a URL's user part": (secret) =>
    `smtp://mailer:${encodeURIComponent(secret)}@mail.example.com`,
  "every byte URL-encoded": (secret) =>
    [...Buffer.from(secret)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  "in JSON": (secret) => JSON.stringify({ password: secret }),
  "in JSON in JSON": (secret) => JSON.stringify({ body: JSON.stringify({ password: secret }) }),
  "in JSON three deep": (secret) => JSON.stringify([JSON.stringify([JSON.stringify([secret])])]),
  "in JSON in base64": (secret) => Buffer.from(JSON.stringify({ auth: secret })).toString("base64"),
  "escaped by code units": (secret) =>
    secret.replace(/./gsu, (character) =>
      [...Array(character.length).keys()]
        .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
        .join(""),
    ),
  "in HTML": (secret) =>
    `<b>${secret.replace(/[<&>"\\\n]/g, (character) => `&#${character.charCodeAt(0)};`)}</b>`,
  reversed: (secret) => [...secret.trim()].reverse().join(""),
  "in upper case": (secret) => secret.toUpperCase(),
  "in lower case, inside text": (secret) => `key=${secret.trim().toLowerCase()};`,
  packed: (secret) => gzipSync(`{"x":"${inner(secret)}"}`).toString("base64"),
  deflated: (secret) => deflateSync(secret).toString("base64"),
  "its MD5": (secret) => hash("md5", secret),
  "its SHA-1": (secret) => hash("sha1", secret),
  "its SHA-256": (secret) => hash("sha256", secret),
  "its SHA-256 in base64": (secret) => hash("sha256", secret, "base64"),
  "its SHA-256 with a prefix": (secret) => `sha256:${hash("sha256", secret)}`,
  "its SHA-256, cut": (secret) => `config-${hash("sha256", secret).slice(0, 16)}`,
  "its SHA-512": (secret) => hash("sha512", `${secret.trim()}\n`).toUpperCase(),
};

/**
 * Whether a text tells a secret, by a way of its own: it encodes the secret where the product decodes the text.
 * @returns how it was found
 */
export function tells(text: string, secret: string): string | undefined {
  const trimmed = secret.trim();
  const core = /-----BEGIN [A-Z ]+-----\s+(\S+)/.exec(secret)?.[1] ?? trimmed;
  const aligned = (prefix: string) => {
    const whole = Buffer.from(`${prefix}${core}`).toString("base64").replace(/=+$/, "");
    return whole.slice(prefix.length ? 4 : 0, -4);
  };
  const needles: Record<string, string> = {
    plain: core,
    json: inner(core),
    "json twice": inner(inner(core)),
    "json three times": inner(inner(inner(core))),
    url: encodeURIComponent(core),
    hex: Buffer.from(core).toString("hex"),
    base64: aligned(""),
    "base64+1": aligned("a"),
    "base64+2": aligned("ab"),
    reversed: [...core].reverse().join(""),
    md5: hash("md5", secret),
    sha1: hash("sha1", secret),
    sha256: hash("sha256", secret),
    "sha256 base64": hash("sha256", secret, "base64"),
    sha512: hash("sha512", secret),
  };
  const folded = text.toLowerCase();
  return Object.keys(needles).find((name) => folded.includes((needles[name] ?? "").toLowerCase()));
}

/** How a marked value holds a secret; `known` is one that a generator made. */
const shapes: Record<string, (secret: string, known: string, random: Random) => unknown> = {
  alone: (secret) => secret,
  "in an object": (secret) => ({ password: secret, port: 25 }),
  "in a list": (secret) => ["first", secret],
  "as a key": (secret) => ({ [secret]: "owner" }),
  "in JSON": (secret, known) => JSON.stringify({ smtpPassword: secret, webhookToken: known }),
  "in JSON in JSON": (secret) => JSON.stringify({ webhookUrl: JSON.stringify({ inner: secret }) }),
  "in base64": (secret) => Buffer.from(secret).toString("base64"),
  "beside a known one": (secret, known) => `${known}:${secret}`,
  "beside a known one, after the resource's name": (secret, known) => `dana.${known}.${secret}`,
  "in base64 beside a known one": (secret, known) =>
    Buffer.from(`${known}:${secret}`).toString("base64"),
  "in PEM with a certificate": (secret) =>
    `-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIRAKd\n-----END CERTIFICATE-----\n${secret}`,
  "in a field that is called public": (secret) => JSON.stringify({ grpc: secret, url: secret }),
  "a hash of it": (secret) => createHmac("sha256", "salt").update(secret).digest("hex"),
};

const types = [
  "gcp:secretmanager/secretVersion:SecretVersion",
  "gcp:compute/instance:Instance",
  "command:local:Command",
  "pulumi:providers:gcp",
  "pulumi:pulumi:Stack",
  "acme:index/thing:Thing",
];

export interface GeneratedState {
  state: { version: number; deployment: Record<string, unknown> };
  yaml: string;
  config: Record<string, { value: string; secret: boolean }>;
  secrets: string[];
  /** What lies outside a mark, by name of its derivation. */
  planted: { how: string; text: string; secret: string }[];
}

/** A state of any shape: secrets under marks in every part of the checkpoint, and in some states also outside of them. */
export function generateState(random: Random, plant: boolean): GeneratedState {
  const [known, config, pem] = [random.text(40, letters), newSecret(random), newSecret(random)];
  const secrets = [known, config, pem];
  const inState = [...secrets];
  const planted: GeneratedState["planted"] = [];
  const value = (): unknown => {
    const secret = newSecret(random);
    const shape = random.pick(Object.keys(shapes));
    secrets.push(secret);
    // Of a secret that is not in the state itself nobody can know what was made of it.
    if (shape !== "a hash of it") inState.push(secret);
    return marked(shapes[shape]?.(secret, known, random));
  };
  const open = (): unknown => {
    if (!plant || random.next() > 0.1) return random.pick(["us-central1-a", 4317, true, ["a"]]);
    const [how, secret] = [random.pick(Object.keys(derivations)), random.pick(inState)];
    const text = derivations[how]?.(secret) ?? "";
    planted.push({ how, text, secret });
    return random.pick([text, { nested: [text] }, { [text]: 1 }]);
  };
  const properties = () => ({ first: value(), second: { deep: [open(), value()] }, third: open() });
  const resource = (index: number) => {
    const type = random.pick(types);
    return {
      urn: `urn:pulumi:dev::monitoring::${type}::of-dana-${index}`,
      type,
      inputs: properties(),
      outputs: { ...properties(), effectiveLabels: value(), pulumiLabels: { team: value() } },
      propertyDependencies: {},
    };
  };
  const urn = (type: string) => `urn:pulumi:dev::monitoring::${type}::made`;
  const password = "random:index/randomPassword:RandomPassword";
  const key = "tls:index/privateKey:PrivateKey";
  return {
    state: {
      version: 3,
      deployment: {
        manifest: { time: "2026-11-01T00:00:00Z", magic: "0123456789abcdef", version: "v3.274.1" },
        secrets_providers: { type: "passphrase", state: { salt: "v1:abc=" } },
        resources: [
          { urn: urn(password), type: password, inputs: {}, outputs: { result: marked(known) } },
          { urn: urn(key), type: key, inputs: {}, outputs: { privateKeyPem: marked(pem) } },
          ...Array.from({ length: 1 + random.below(4) }, (_, index) => resource(index)),
        ],
        pending_operations: [
          { type: "creating", resource: resource(90) },
          { type: "deleting", resource: { ...resource(91), delete: true } },
        ],
        metadata: { integrity_error: { command: open() } },
        [random.pick(["x", "snippets"])]: value(),
      },
    },
    yaml: "config:\n  gcp:project: p\n  monitoring:alertWebhookUrl:\n    secure: v1:a:b\n",
    config: { "monitoring:alertWebhookUrl": { value: config, secret: true } },
    secrets,
    planted,
  };
}
