import { createHash } from "node:crypto";
import { parse } from "yaml";
import { isObject, type Json, type Leaf } from "./marks";

/** Resources whose secret outputs are the program's secrets; every other secret value is made from them. */
const generators = /^(random:index\/|tls:index\/privateKey:)/;

export const digest = (text: string) =>
  createHash("sha256").update(text).digest("hex").slice(0, 40);

/** A letters-and-digits value for a secret of the state, the same for the same place in it. */
export const placeStandIn = (place: string) => `standin${digest(place)}`;

/** A URL, since config secrets are webhooks: a check of their form must let the stand-in through. */
export const configStandIn = (ciphertext: string) =>
  `https://stand-in.invalid/${digest(ciphertext)}`;

/** A key's stand-in has the key's frame, by which a program finds it beside its certificate. */
function framed(secret: string, standIn: string): string {
  const [, begin, end] =
    /^(-----BEGIN [^-]+-----\n)[^-]*(-----END [^-]+-----)\s*$/.exec(secret) ?? [];
  return begin ? `${begin}${standIn}\n${end}` : standIn;
}

/** How a program writes a secret into another value; a stand-in goes through the same function, so nothing differs. */
const encodings: ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => Buffer.from(text).toString("base64"),
  (text) => Buffer.from(text).toString("base64url"),
  (text) => Buffer.from(text).toString("hex"),
  (text) => encodeURIComponent(text),
  (text) => createHash("sha256").update(text).digest("hex"),
  (text) => createHash("sha256").update(text).digest("base64"),
];

/** Shorter values turn up in other text by chance. */
const shortestPart = 8;

export interface KnownSecret {
  secret: string;
  standIn: string;
  /** Where it comes from, for errors: a config key or a place in the state. */
  place: string;
}

/** The secrets that a program starts from, each with the stand-in that takes its place wherever it occurs. */
export class KnownSecrets {
  private readonly whole = new Map<string, string>();
  private readonly parts: (readonly [form: string, standIn: string])[];

  /** @throws Error for a secret that is too short to be told from other text */
  constructor(readonly secrets: readonly KnownSecret[]) {
    for (const { secret, standIn, place } of secrets) {
      const trimmed = secret.trim();
      if (trimmed.length < shortestPart)
        throw new Error(
          `${place} is a secret of ${trimmed.length} characters, too short to be told from other text; use ${shortestPart} or more`,
        );
      // Untrimmed too: base64 and hashes of a value with its final newline differ from those without.
      for (const text of new Set([secret, trimmed])) {
        const tail = text === secret ? secret.slice(secret.trimEnd().length) : "";
        for (const encode of encodings) {
          const form = encode(text);
          if (!this.whole.has(form)) this.whole.set(form, encode(standIn + tail));
        }
      }
    }
    // The longest first: a form that contains another secret must go as a whole.
    this.parts = [...this.whole].sort(([a], [b]) => b.length - a.length);
  }

  /** The same text with stand-ins, where it is made of known secrets and of pieces that `isPublic` lets through. */
  rebuilt(text: string, isPublic: (piece: string) => boolean): string | undefined {
    const whole = this.whole.get(text);
    if (whole !== undefined) return whole;
    const found = this.parts.find(([form]) => text.includes(form));
    if (!found) return undefined;
    const [form, standIn] = found;
    const pieces = text
      .split(form)
      .map((piece) => (isPublic(piece) ? piece : this.rebuilt(piece, isPublic)));
    return pieces.includes(undefined) ? undefined : pieces.join(standIn);
  }

  /** What a text holds beside known secrets. */
  piecesBeside(text: string): string[] {
    const found = this.parts.find(([form]) => text.includes(form));
    return found ? text.split(found[0]).flatMap((piece) => this.piecesBeside(piece)) : [text];
  }

  /** A text that is not secret, with a stand-in for each known secret in it. */
  replaced(text: string): string {
    return (
      this.whole.get(text) ??
      this.parts.reduce((rest, [form, standIn]) => rest.replaceAll(form, standIn), text)
    );
  }
}

/** The secret outputs of generators, wherever in the checkpoint such a resource is described. */
export function generatedSecrets(
  resources: Iterable<{ type: string; leaves: Iterable<Leaf> }>,
): KnownSecret[] {
  return [...resources].flatMap(({ type, leaves }) =>
    generators.test(type)
      ? [...leaves]
          .filter(({ marked, value }) => marked && typeof value === "string" && value !== "")
          .map(({ value, place }) => ({
            secret: String(value),
            standIn: framed(String(value), placeStandIn(place)),
            place,
          }))
      : [],
  );
}

/**
 * The encrypted values of a stack's config.
 * @param stackYaml the stack file, whose ciphertexts name the stand-ins
 * @param config the object of `pulumi config --json --show-secrets`
 * @throws Error when a decrypted value is missing
 */
export function configSecrets(stackYaml: string, config: unknown): KnownSecret[] {
  const file = parse(stackYaml) as { config?: { [key: string]: Json } } | null;
  const values = config as Record<string, { value?: Json; objectValue?: Json }>;
  return Object.entries(file?.config ?? {}).flatMap(([key, value]) =>
    secureValues(value, values[key]?.objectValue ?? values[key]?.value, key),
  );
}

/** Walks a config value of the stack file beside its decrypted twin. */
function secureValues(value: Json, plain: Json | undefined, key: string): KnownSecret[] {
  if (typeof value !== "object" || value === null) return [];
  if (isObject(value) && typeof value.secure === "string") {
    if (typeof plain !== "string")
      throw new Error(`config ${key} is encrypted, and its value is not in the given config`);
    return plain === ""
      ? []
      : [{ secret: plain, standIn: configStandIn(value.secure), place: `config ${key}` }];
  }
  return Object.entries(value).flatMap(([part, item]) =>
    secureValues(item, (plain as { [key: string]: Json } | undefined)?.[part], `${key}.${part}`),
  );
}
