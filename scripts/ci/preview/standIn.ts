import { parse, parseDocument, visit } from "yaml";
import {
  configSecrets,
  configStandIn,
  generatedSecrets,
  KnownSecrets,
  placeStandIn,
} from "./known";
import { LeakScanner } from "./leaks";
import {
  isMarked,
  isObject,
  isResource,
  type Json,
  jsonIn,
  leavesOf,
  mark,
  plaintext,
  type Resource,
} from "./marks";
import { isPublicField, isPublicPiece, isPublicPlace } from "./publicPlaces";

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

export interface StateCopy {
  state: unknown;
  /** Places of secrets that nothing known makes: previews show them as changed. */
  unknown: string[];
}

/** As `copyState`, without the places. */
export const redactState = (exported: unknown, stackYaml: string, config: unknown): unknown =>
  copyState(exported, stackYaml, config).state;

/**
 * A copy of a state in which no secret is left. Whatever Pulumi marks secret, anywhere in the checkpoint, becomes a
 * stand-in of its place, or is made anew from the stand-ins of the secrets that it was made from (known.ts), or is on the
 * list of publicPlaces.ts. What is not marked keeps its text, known secrets in it excepted.
 * @param exported the object of `pulumi stack export --show-secrets`
 * @param stackYaml the stack file, whose ciphertexts name the stand-ins of config secrets
 * @param config the object of `pulumi config --json --show-secrets`
 * @throws Error that names the place where a secret, or something made of it, would be left
 */
export function copyState(exported: unknown, stackYaml: string, config: unknown): StateCopy {
  const state = structuredClone(exported) as { [key: string]: Json };
  if (!isObject(state) || !isObject(state.deployment))
    throw new Error("the state has no `deployment`: is it the output of `pulumi stack export`?");
  delete state.deployment.secrets_providers;
  const copier = new Copier(state, stackYaml, config);
  return { state: copier.copy(), unknown: [...copier.unknown] };
}

class Copier {
  /** Places of marked values that nothing known makes. */
  readonly unknown = new Set<string>();
  /** Every marked text that the copy does not keep, with its place. */
  private readonly gone: [text: string, place: string][] = [];
  private readonly known: KnownSecrets;
  private readonly plainConfig: ReadonlySet<string>;
  /** Whole texts of the state, not marked; and those that are marked somewhere. */
  private readonly open = new Set<string>();
  private readonly marked = new Set<string>();

  constructor(
    private readonly state: Resource,
    stackYaml: string,
    config: unknown,
  ) {
    this.plainConfig = plainValues(parse(stackYaml));
    for (const { value, marked } of leavesOf(state, "state"))
      if (typeof value === "string") (marked ? this.marked : this.open).add(value);
    const generated = resourcesIn(state).map((resource) => ({
      type: String(resource.type),
      leaves: leavesOf(resource.outputs ?? null, String(resource.urn)),
    }));
    this.known = new KnownSecrets([
      ...configSecrets(stackYaml, config),
      ...generatedSecrets(generated),
    ]);
  }

  copy(): Json {
    const copy = this.walk(this.state, "state");
    const scanner = new LeakScanner([
      ...this.known.secrets.map(({ secret, place }) => [secret, place] as const),
      ...this.gone.flatMap(([text, place]) => needles(text).map((it) => [it, place] as const)),
    ]);
    for (const { value, place, isName } of leavesOf(copy, "state")) {
      const source = scanner.find(String(value), isName);
      if (source)
        throw new Error(
          `nothing was published: ${place} holds the secret of ${source}, or something made of it, outside Pulumi's mark; let the program mark it (pulumi.secret), or leave it out of the state`,
        );
    }
    return copy;
  }

  private walk(value: Json, place: string): Json {
    if (Array.isArray(value))
      return value.map((item, index) => this.walk(item, `${place}[${index}]`));
    if (isResource(value)) return this.part(value, value, "") as Json;
    if (isObject(value) && !isMarked(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          this.known.replaced(key),
          this.walk(item, `${place}.${key}`),
        ]),
      );
    return this.part(value, { urn: place }, "");
  }

  /** Copies what lies at a path of a resource. */
  private part(value: Json, resource: Resource, path: string, inMark = false): Json {
    const step = (key: string) => (path ? `${path}.${key}` : key);
    if (Array.isArray(value))
      return value.map((item, index) => this.part(item, resource, `${path}[${index}]`, inMark));
    if (isMarked(value))
      return mark(this.part(plaintext(value, placeOf(resource, path)), resource, path, true));
    if (isObject(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, item], index) => [
          inMark ? this.field(key, index, resource, path) : this.known.replaced(key),
          this.part(item, resource, step(key), inMark),
        ]),
      );
    if (!inMark) return typeof value === "string" ? this.known.replaced(value) : value;
    if (typeof value === "string") return this.hidden(value, resource, path);
    if (value === null) return value;
    this.lost(String(value), placeOf(resource, path));
    return typeof value === "number" ? 0 : false;
  }

  private field(key: string, index: number, resource: Resource, path: string): string {
    if (isPublicField(key, this.plainConfig)) return key;
    const place = `${placeOf(resource, path)}, key ${index}`;
    // A word may well be in other text too: only what looks like a value is searched for.
    this.lost(/^[A-Za-z_.$-]*$/.test(key) ? "" : key, place);
    return placeStandIn(place);
  }

  private lost(text: string, place: string): void {
    this.unknown.add(place);
    // A piece beside a known secret may be one of its own, without the sign that parts them.
    const pieces = needles(text).flatMap((it) => this.known.piecesBeside(it));
    for (const piece of [text, ...pieces.flatMap((it) => [bare(it), it.slice(1), it.slice(0, -1)])])
      this.gone.push([piece, place]);
  }

  private hidden(text: string, resource: Resource, path: string): string {
    if (text === "") return text;
    const place = placeOf(resource, path);
    const type = String(resource.type ?? "");
    const asked = { type, resource, path, value: text, plainConfig: this.plainConfig };
    if (isPublicPlace(asked) && this.known.replaced(text) === text) return text;
    const made = this.made(text, resource, path);
    if (made !== undefined) {
      if (made !== text) this.gone.push([text, place]);
      return made;
    }
    const decoded = Buffer.from(text, "base64").toString();
    if (Buffer.from(decoded).toString("base64") === text) {
      const inner = this.made(decoded, resource, path);
      if (inner !== undefined) {
        this.gone.push([text, place], [decoded, place]);
        return Buffer.from(inner).toString("base64");
      }
    }
    this.lost(text, place);
    return placeStandIn(place);
  }

  /** A marked text made anew: from known secrets, or field by field where it is JSON. */
  private made(text: string, resource: Resource, path: string): string | undefined {
    const rebuilt = this.known.rebuilt(text, (piece) => this.isPublic(piece, resource, path));
    if (rebuilt !== undefined) return rebuilt;
    const json = jsonIn(text);
    return json?.print(this.part(json.value, resource, path, true));
  }

  /** Whether a piece beside a known secret tells nothing that the copy does not tell anyway. */
  private isPublic(piece: string, resource: Resource, path: string): boolean {
    if (/^[\s\p{P}\p{S}]{0,3}$/u.test(piece)) return true;
    if (isPublicPiece(piece, resource, path)) return this.known.replaced(piece) === piece;
    if (this.open.has(piece) && !this.marked.has(piece))
      return this.known.replaced(piece) === piece;
    const word = bare(piece);
    const name = String(resource.urn).split("::").at(-1) ?? "";
    return name.split(word).length > 1 && `-${name}-`.includes(`-${word}-`);
  }
}

/** Every resource that the checkpoint describes, those of pending operations too. */
function resourcesIn(value: Json): Resource[] {
  if (Array.isArray(value)) return value.flatMap(resourcesIn);
  if (!isObject(value)) return [];
  return isResource(value) ? [value] : Object.values(value).flatMap(resourcesIn);
}

const bare = (piece: string) => piece.replace(/^[\s\p{P}\p{S}]+|[\s\p{P}\p{S}]+$/gu, "");

/** An input and the output that repeats it are one place. */
const placeOf = ({ urn }: Resource, path: string) =>
  `${urn}${path ? `.${path.replace(/^(inputs|outputs(\.__inputs)?)\./, "")}` : ""}`;

/** Strings of a stack file's config that are in git as they are, keys included. */
function plainValues(file: unknown): Set<string> {
  const { config } = (file ?? {}) as { config?: Json };
  const values = new Set<string>();
  const collect = (value: Json): void => {
    if (isObject(value)) {
      if (typeof value.secure === "string") return;
      for (const [key, item] of Object.entries(value)) {
        values.add(key);
        collect(item);
      }
    } else if (Array.isArray(value)) value.forEach(collect);
    else if (value !== null) values.add(String(value));
  };
  collect(config ?? null);
  return values;
}

const publicPem =
  /-----BEGIN ((X509 )?CERTIFICATE|CERTIFICATE REQUEST|PUBLIC KEY)-----[\s\S]*?-----END \1-----/g;

/** What to look for of a secret that nothing known makes: the text, and what it is when decoded as a whole. */
function needles(text: string): string[] {
  const own = text.replaceAll(publicPem, "").trim();
  const decoded = (["base64", "hex"] as const).flatMap((encoding) => {
    const inner = Buffer.from(own, encoding);
    const whole =
      inner.length > 3 && inner.toString(encoding).replace(/=+$/, "") === own.replace(/=+$/, "");
    return whole && /^([\t\n\r]|[^\p{C}\ufffd])+$/u.test(inner.toString())
      ? [inner.toString()]
      : [];
  });
  return [own, ...decoded];
}
