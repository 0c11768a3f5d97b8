import { isIPv4 } from "node:net";
import * as pulumi from "@pulumi/pulumi";

/** Pulumi's name of a value's type (Pulumi.yaml). */
export type Type = "string" | "integer" | "boolean" | "array";

/** One kind of config value: turns the stack's text into a value, or throws a Fault that says what it must be. */
export interface Kind<T> {
  type: Type;
  /** A value that it takes, for people who must set one. */
  example: string;
  /** What stands for "not wanted", where the value may be left out. */
  unset?: string | string[];
  secret?: boolean;
  /** What stands for all texts that mean the same, where there are several. */
  same?(text: string): string;
  read(text: string): T;
}

/** A key of the `monitoring:` namespace: the only place of its meaning, its default and its check. */
export interface Key<T> {
  meaning: string;
  kind: Kind<T>;
  /** Undefined where every stack must say it. */
  default?: string | number | boolean | string[];
}

export type Keys = Record<string, Key<unknown>>;

/** What a group of keys says, once each is read. */
export type Values<Group extends Keys> = {
  [Name in keyof Group]: ReturnType<Group[Name]["kind"]["read"]>;
};

/**
 * @param meaning one line for Pulumi.yaml and docs/configuration.md, which `npm run docs` writes
 * @param preset the value of a stack that does not say; without one the key must be set, unless its kind may be empty
 */
export function key<T>(meaning: string, kind: Kind<T>, preset?: Key<T>["default"]): Key<T> {
  const value = preset ?? kind.unset;
  return { meaning, kind, ...(value !== undefined && { default: value }) };
}

/** What a value must be, as the end of a sentence that starts with key and value. */
export class Fault extends Error {}

export const matching = (pattern: RegExp, must: string, example: string): Kind<string> => ({
  type: "string",
  example,
  read: (text) => {
    if (!pattern.test(text)) throw new Fault(`must be ${must}`);
    return text;
  },
});

export const optional = <T>(kind: Kind<T>): Kind<T | undefined> => ({
  ...kind,
  unset: "",
  read: (text) => (text === "" ? undefined : kind.read(text)),
});

export const oneOf = <const Value extends string>(...values: Value[]): Kind<Value> => ({
  type: "string",
  example: values[0] ?? "",
  read: (text) => {
    const value = values.find((one) => one === text);
    if (value === undefined) throw new Fault(`must be ${values.join(" or ")}`);
    return value;
  },
});

export const wholeNumber = (min: number, max: number): Kind<number> => ({
  type: "integer",
  example: String(min),
  read: (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Fault(`must be a whole number from ${min} to ${max}`);
    return value;
  },
});

export const flag: Kind<boolean> = {
  type: "boolean",
  example: "true",
  read: (text) => {
    if (text !== "true" && text !== "false") throw new Fault("must be true or false");
    return text === "true";
  },
};

/** Shorter values turn up in other text by chance, so the copy of the state that pull requests see could not hide them. */
export const shortestSecret = 8;

/** A text that may be empty; never shown, and secret wherever it goes. */
export const secret = (pattern: RegExp, must: string): Kind<pulumi.Output<string> | undefined> => ({
  type: "string",
  example: "",
  unset: "",
  secret: true,
  read: (text) => {
    if (text === "") return undefined;
    if (!pattern.test(text)) throw new Fault(`must be ${must}`);
    if (text.trim().length < shortestSecret)
      throw new Fault(`must have ${shortestSecret} characters or more`);
    return pulumi.secret(text);
  },
});

/** Its example must be no number to Pulumi: `config set --path` would write one, which Pulumi refuses in a list of texts. */
export const listOf = <T>(item: Kind<T>, { atLeast = 0, atMost = 5000 } = {}): Kind<T[]> => ({
  type: "array",
  example: item.example,
  ...(atLeast === 0 && { unset: [] }),
  read: (text) => {
    const texts = parseList(text);
    if (texts.length < atLeast) throw new Fault(`must have at least ${atLeast} entry`);
    if (texts.length > atMost) throw new Fault(`must have at most ${atMost} entries`);
    const meant = texts.map((value) => item.same?.(value) ?? value);
    const twice = texts.find((_, index) => meant.indexOf(meant[index] ?? "") !== index);
    if (twice !== undefined) throw new Fault(`must not name ${JSON.stringify(twice)} twice`);
    return texts.map((value) => {
      try {
        return item.read(value);
      } catch (error) {
        throw new Fault(`has entry ${JSON.stringify(value)}, which ${(error as Error).message}`);
      }
    });
  },
});

function parseList(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  } catch {}
  throw new Fault("must be a list of texts");
}

const mailDomain = "([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z])?";

/** The unquoted form of RFC 5322 in ASCII: what SigNoz (pkg/valuer/email.go), Go's net/mail and Google all take. */
export const email = matching(
  new RegExp(
    `^(?=.{1,254}$)(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_\`{|}~-]+(\\.[a-z0-9!#$%&'*+/=?^_\`{|}~-]+)*@${mailDomain}$`,
    "i",
  ),
  "an e-mail address",
  "dana@palindrom.example",
);

/** What is replaced by a successor: a name that sorts, and that becomes part of resource names. */
export const generation = (example: string) =>
  matching(/^[a-z0-9][a-z0-9-]{0,30}$/, "1 to 31 lower-case letters, digits and dashes", example);

export const label = (example: string) =>
  matching(/^[^\s\p{C}]([^\p{C}]{0,62}[^\s\p{C}])?$/u, "1 to 64 printable characters", example);

export const variable = (example: string) =>
  matching(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an environment variable", example);

const pool =
  "//iam\\.googleapis\\.com/locations/global/workforcePools/[a-z][a-z0-9-]{2,30}[a-z0-9]";

/** An IAM member in the one spelling that Google knows it by: an e-mail address has no letter case. */
export function sameMember(member: string): string {
  return member.startsWith("principal") ? member : member.toLowerCase();
}

/** Google Cloud, "Principal identifiers": people, groups and programs by name; a whole domain or pool is nobody by name (policy/rules.ts). */
export const member = {
  ...matching(
    new RegExp(
      [
        `^(?:(?:user|group|serviceAccount):[^\\s@"]{1,64}@${mailDomain}`,
        `principal:${pool}/subject/[^\\s"]{1,127}`,
        `principalSet:${pool}/group/[^\\s"]{1,127})$`,
      ].join("|"),
      "i",
    ),
    "an IAM member (user:, group:, serviceAccount:, or principal:…/subject/… and principalSet:…/group/… of a workforce pool)",
    "group:engineering@palindrom.example",
  ),
  same: sameMember,
};

const dnsPattern =
  "(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?";

export const dnsName = matching(
  new RegExp(`^${dnsPattern}$`),
  "a lower-case DNS name (no scheme, no port; Claude Code cannot do TLS to an IP address)",
  "otlp.palindrom.example",
);

/** `host:port`. */
export const hostAndPort = (example: string): Kind<string> => ({
  type: "string",
  example,
  read: (text) => {
    const [, port] = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?:(\d{1,5})$/i.exec(text)?.slice(1) ?? [];
    if (port === undefined || Number(port) < 1 || Number(port) > 65535)
      throw new Fault("must be host:port");
    return text;
  },
});

/** http or https, a host and perhaps a port; nothing behind them. */
export const origin = (example: string): Kind<string> => ({
  type: "string",
  example,
  read: (text) => {
    if (
      !/^https?:\/\/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/i.test(text) ||
      !URL.canParse(text)
    )
      throw new Fault("must be an http or https URL without a path");
    return text;
  },
});

export const region = matching(/^[a-z]+-[a-z]+\d+$/, "a region", "europe-west3");

/** A release, with or without the digest that makes it one and the same image for ever. */
export const imageTag = (tag: RegExp, example: string) =>
  matching(
    new RegExp(`^${tag.source}(@sha256:[0-9a-f]{64})?$`),
    `an image tag such as ${example}, optionally with its digest (@sha256:…)`,
    example,
  );

export const cidr: Kind<string> = {
  type: "string",
  example: "203.0.113.0/24",
  read: (text) => {
    const [address = "", bits = "", more] = text.split("/");
    if (more !== undefined || !isIPv4(address) || !/^(0|[1-9]\d?)$/.test(bits) || Number(bits) > 32)
      throw new Fault("must be an IPv4 range such as 203.0.113.0/24");
    const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    if (number % 2 ** (32 - Number(bits)) !== 0)
      throw new Fault(
        `must be a network address with its host bits zero (one host is ${address}/32)`,
      );
    return text;
  },
};
