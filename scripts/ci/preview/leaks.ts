import { createHash } from "node:crypto";
import { gunzipSync, inflateSync } from "node:zlib";

/** A shorter secret turns up in other text by chance: it counts only where it stands alone. */
const shortestPart = 8;
/** Guessed by everybody, and in every text: no secret. */
const noSecret = /^(true|false|null|none|yes|no|on|off|.{0,3})$/is;
/** How deep encodings are nested that are looked through: base64 of JSON in JSON, packed, is four. */
const deepest = 5;
const algorithms = ["md5", "sha1", "sha256", "sha512"];
/** Enough of a hash to know it by: 48 bits in hexadecimal, 96 in base64. */
const hexPart = 12;
const base64Part = 16;

/** Bytes as one character each, so that text and binary are looked through the same way. */
const bytes = (text: string) => Buffer.from(text, "utf8").toString("latin1");
const text = (view: string) => Buffer.from(view, "latin1").toString("utf8");

/**
 * Finds secrets in texts, as they are and in every form that a program makes of them in passing: case changes, reversed,
 * escaped, URL- and HTML-encoded, hexadecimal, base64 at any offset, packed, hashed, and these inside one another.
 * Encodings are undone on the text's side, so a secret is found inside a longer encoded text too.
 */
export class LeakScanner {
  private readonly parts = new Map<string, string>();
  private readonly alone = new Map<string, string>();
  private readonly hexHashes = new Map<string, string>();
  private readonly base64Hashes = new Map<string, string>();

  /** @param secrets plaintexts with the place they come from */
  constructor(secrets: Iterable<readonly [secret: string, place: string]>) {
    for (const [secret, place] of secrets) this.add(secret, place);
  }

  private add(secret: string, place: string): void {
    const trimmed = secret.trim();
    if (noSecret.test(trimmed)) return;
    // Of a text with several parts, one may have been hashed alone.
    const words = trimmed.split(/[\s:;,|="'@/]+/).filter((word) => word.length > 4);
    for (const form of new Set([secret, trimmed, `${trimmed}\n`, ...words]))
      for (const algorithm of algorithms) {
        const hash = createHash(algorithm).update(form).digest();
        this.hexHashes.set(hash.toString("hex").slice(0, hexPart), place);
        this.base64Hashes.set(hash.toString("base64url").slice(0, base64Part), place);
      }
    const body = keyBody(trimmed);
    const forms = body ?? [trimmed, ...halves(trimmed)];
    for (const form of forms.flatMap((it) => [it, [...it].reverse().join("")])) {
      const into = form.length < shortestPart ? this.alone : this.parts;
      into.set(form.toLowerCase(), place);
    }
  }

  /**
   * @param isName whether the text is a property's name, which may be the same word as a short secret
   * @returns the place of a secret that the text holds in some form
   */
  find(searched: string, isName = false): string | undefined {
    const views = viewsOf(searched);
    for (const view of isName ? [] : views) {
      const alone = this.alone.get(text(view).trim().toLowerCase());
      if (alone) return alone;
    }
    const all = views.join("\0");
    // Binary secrets are compared byte by byte, the others as text, whose upper and lower case is known.
    const folded = `${text(all)}\0${all}`.toLowerCase();
    for (const [part, place] of this.parts) if (folded.includes(part)) return place;
    return (
      hashIn(all, /[0-9a-f]{12,}/gi, hexPart, this.hexHashes, (run) => run.toLowerCase()) ??
      hashIn(all, /[\w+/-]{16,}/g, base64Part, this.base64Hashes, (run) =>
        run.replaceAll("+", "-").replaceAll("/", "_"),
      )
    );
  }
}

/** A private key without its frame, since the frame is in every key; its first line holds the private part. */
function keyBody(secret: string): string[] | undefined {
  const lines = /-----BEGIN [A-Z ]*PRIVATE KEY-----([\s\S]+?)-----END/.exec(secret)?.[1];
  const body = lines?.split(/\s+/).filter(Boolean);
  return body?.[0] && body[0].length >= shortestPart
    ? [secret, body[0], body.join(""), Buffer.from(body.join(""), "base64").toString("latin1")]
    : undefined;
}

/** Half of a long random value is as bad as the whole. */
function halves(secret: string): string[] {
  if (secret.length < 24 || /\s/.test(secret)) return [];
  const middle = Math.ceil(secret.length / 2);
  return [secret.slice(0, middle), secret.slice(middle)];
}

function hashIn(
  text: string,
  runs: RegExp,
  length: number,
  hashes: Map<string, string>,
  normal: (run: string) => string,
): string | undefined {
  for (const [run] of text.matchAll(runs)) {
    const same = normal(run);
    for (let at = 0; at + length <= same.length; at++) {
      const place = hashes.get(same.slice(at, at + length));
      if (place) return place;
    }
  }
  return undefined;
}

/** The text and everything that can be decoded out of it, one character a byte. */
export function viewsOf(text: string): string[] {
  const seen = new Set<string>();
  const open: [string, number][] = [[bytes(text), 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [view, depth] = next;
    if (seen.has(view)) continue;
    seen.add(view);
    if (depth < deepest) for (const inner of decodings(view)) open.push([inner, depth + 1]);
  }
  return [...seen];
}

function* decodings(text: string): Generator<string> {
  const unpacked = unpack(text);
  if (unpacked !== undefined) {
    yield unpacked;
    return;
  }
  if (text.includes("\\")) yield unescapeBackslashes(text);
  if (/%[0-9a-f]{2}/i.test(text)) yield unescapePercent(text.replaceAll("+", " "));
  if (/&(#|[a-z]+;)/i.test(text)) yield unescapeEntities(text);
  // Encoded text may be folded to lines.
  const joined = /[\w+/=-]{4}\s+[\w+/=-]{4}/.test(text) ? text.replaceAll(/\s+/g, "") : "";
  for (const source of joined && joined !== text ? [text, joined] : [text]) {
    const found: string[] = [];
    for (const [run] of source.matchAll(/[0-9a-f]{8,}/gi))
      for (const offset of [0, 1]) keep(found, Buffer.from(run.slice(offset), "hex"));
    // A run may begin with characters of its surroundings: each of the four alignments is tried.
    for (const [run] of source.matchAll(/[A-Za-z0-9+/_-]{6,}/g))
      for (const offset of [0, 1, 2, 3]) keep(found, Buffer.from(run.slice(offset), "base64"));
    // Short finds are searched together: most are words that were never encoded.
    const short = found.filter((view) => view.length < 200);
    if (short.length) yield short.join("\0");
    if (short.length <= 40) yield* short;
    yield* found.filter((view) => view.length >= 200);
  }
}

/** Keeps what reads as text or is packed; other bytes only where a private key may lie in them as it is. */
function keep(found: string[], decoded: Buffer): void {
  const view = decoded.toString("latin1");
  if (view.length < 4) return;
  if (packing(view) || view.length > 24 || readable(view)) found.push(view);
}

function readable(view: string): boolean {
  const decoded = text(view);
  return (decoded.match(/[\t\n\r]|[^\p{C}\ufffd]/gu)?.length ?? 0) >= decoded.length * 0.7;
}

/** The first bytes of gzip (RFC 1952) and of zlib's levels (RFC 1950). */
const gzip = "\x1f\x8b";
const zlib = ["\x78\x01", "\x78\x5e", "\x78\x9c", "\x78\xda"];

function packing(view: string): ((packed: Buffer) => Buffer) | undefined {
  if (view.startsWith(gzip)) return gunzipSync;
  return zlib.includes(view.slice(0, 2)) ? inflateSync : undefined;
}

function unpack(view: string): string | undefined {
  try {
    return packing(view)?.(Buffer.from(view, "latin1")).toString("latin1");
  } catch {
    // Looked packed, and was not.
    return undefined;
  }
}

const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" };

// A character outside the basic plane is two escapes, which only make sense together.
const unescapeBackslashes = (text: string) =>
  text.replace(/((?:\\u[0-9a-f]{4})+)|\\x([0-9a-f]{2})|\\(.)/gi, (_, units, hex, character) => {
    if (units)
      return bytes(
        String.fromCharCode(...units.match(/[0-9a-f]{4}/gi).map((unit: string) => `0x${unit}`)),
      );
    if (hex) return String.fromCharCode(Number.parseInt(hex, 16));
    return escapes[character] ?? character;
  });

const unescapePercent = (text: string) =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const unescapeEntities = (text: string) =>
  text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (name) return entities[name.toLowerCase()] ?? whole;
    const code = Number.parseInt(hex ?? decimal, hex ? 16 : 10);
    return code <= 0x10ffff ? bytes(String.fromCodePoint(code)) : whole;
  });
