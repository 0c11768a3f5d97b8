import { isIPv4 } from "node:net";
import * as pulumi from "@pulumi/pulumi";

/** One kind of config value: turns the stack's text into a value, or throws a Fault that says what it must be. */
export interface Field<T> {
  example: string;
  list?: boolean;
  secret?: boolean;
  read(text: string): T;
}

/** What a value must be, as the end of a sentence that starts with key and value. */
export class Fault extends Error {}

export const matching = (pattern: RegExp, must: string, example: string): Field<string> => ({
  example,
  read: (text) => {
    if (!pattern.test(text)) throw new Fault(`must be ${must}`);
    return text;
  },
});

export const optional = <T>(field: Field<T>): Field<T | undefined> => ({
  ...field,
  read: (text) => (text === "" ? undefined : field.read(text)),
});

export const wholeNumber = (min: number, max: number, example: number): Field<number> => ({
  example: String(example),
  read: (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Fault(`must be a whole number from ${min} to ${max}`);
    return value;
  },
});

export const flag = (example: boolean): Field<boolean> => ({
  example: String(example),
  read: (text) => {
    if (text !== "true" && text !== "false") throw new Fault("must be true or false");
    return text === "true";
  },
});

/** A text that may be empty; never shown, and secret wherever it goes. */
export const secret = (
  pattern: RegExp,
  must: string,
): Field<pulumi.Output<string> | undefined> => ({
  example: "VALUE",
  secret: true,
  read: (text) => {
    if (text === "") return undefined;
    if (!pattern.test(text)) throw new Fault(`must be ${must}`);
    return pulumi.secret(text);
  },
});

export const listOf = (item: Field<string>, { atLeast = 0 } = {}): Field<string[]> => ({
  example: item.example,
  list: true,
  read: (text) => {
    const values = parseList(text);
    if (values.length < atLeast) throw new Fault(`must have at least ${atLeast} entry`);
    for (const value of values) {
      try {
        item.read(value);
      } catch (error) {
        throw new Fault(`has entry ${JSON.stringify(value)}, which ${(error as Error).message}`);
      }
    }
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) throw new Fault(`must not name ${JSON.stringify(twice)} twice`);
    return values;
  },
});

function parseList(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  } catch {}
  throw new Fault("must be a list of texts");
}

export const email = matching(
  /^[^\s@"']+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i,
  "an e-mail address",
  "dana@palindrom.example",
);

export const label = (example: string) =>
  matching(/^[^\s\p{C}]([^\p{C}]{0,62}[^\s\p{C}])?$/u, "1 to 64 printable characters", example);

export const variable = (example: string) =>
  matching(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an environment variable", example);

export const member = matching(
  /^((user|group|serviceAccount):[^\s@"']+@[a-z0-9-]+(\.[a-z0-9-]+)+|domain:[a-z0-9-]+(\.[a-z0-9-]+)+)$/i,
  "an IAM member (user:, group:, serviceAccount: or domain:)",
  "group:engineering@palindrom.example",
);

export const dnsName = matching(
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  "a lower-case DNS name (no scheme, no port; Claude Code cannot do TLS to an IP address)",
  "otlp.palindrom.example",
);

export const cidr: Field<string> = {
  example: "203.0.113.0/24",
  read: (text) => {
    const [address = "", bits = ""] = text.split("/");
    if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32)
      throw new Fault("must be an IPv4 range such as 203.0.113.0/24");
    const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    if (number % 2 ** (32 - Number(bits)) !== 0)
      throw new Fault(
        `must be a network address with its host bits zero (one host is ${address}/32)`,
      );
    return text;
  },
};
