import { randomBytes, randomInt } from "node:crypto";
import type { Kind } from "./kind.js";
import type { Schema } from "./schema.js";

// Provider random 4.21: every input but none of the outputs replaces the value when it changes.
const once = { optional: true, forceNew: true } as const;
const count = { type: "int", ...once } as const;
const flag = { type: "bool", ...once } as const;
const keepers = { type: "map", elem: "string", ...once } as const;

const passwordSchema: Schema = {
  keepers,
  length: { type: "int", required: true, forceNew: true },
  lower: flag,
  upper: flag,
  numeric: flag,
  number: flag,
  special: flag,
  minLower: count,
  minUpper: count,
  minNumeric: count,
  minSpecial: count,
  overrideSpecial: { type: "string", ...once },
  result: { type: "string", computed: true },
};

type PasswordInputs = {
  length: number;
  lower?: boolean;
  upper?: boolean;
  numeric?: boolean;
  number?: boolean;
  special?: boolean;
  minLower?: number;
  minUpper?: number;
  minNumeric?: number;
  minSpecial?: number;
  overrideSpecial?: string;
};

const randomPassword: Kind<PasswordInputs> = {
  schema: passwordSchema,
  secretOutputs: ["result"],
  async create({ inputs }) {
    const classes = [
      { on: inputs.lower, min: inputs.minLower, letters: "abcdefghijklmnopqrstuvwxyz" },
      { on: inputs.upper, min: inputs.minUpper, letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
      { on: inputs.numeric ?? inputs.number, min: inputs.minNumeric, letters: "0123456789" },
      {
        on: inputs.special,
        min: inputs.minSpecial,
        letters: inputs.overrideSpecial ?? "!@#$%&*()-_=+[]{}<>:?",
      },
    ].filter(({ on }) => on ?? true);
    const letters = classes.flatMap((one) => draw(one.letters, one.min ?? 0));
    const all = classes.map((one) => one.letters).join("");
    letters.push(...draw(all, inputs.length - letters.length));
    for (let i = letters.length - 1; i > 0; i--) {
      const j = randomInt(i + 1);
      [letters[i], letters[j]] = [letters[j] as string, letters[i] as string];
    }
    return { id: "none", outputs: { result: letters.join("") } };
  },
};

function draw(letters: string, n: number): string[] {
  if (n < 0) throw new Error(`length: is less than the sum of the minima by ${-n}`);
  return Array.from({ length: n }, () => letters.charAt(randomInt(letters.length)));
}

const randomId: Kind<{ byteLength: number; prefix?: string }> = {
  schema: {
    keepers,
    byteLength: { type: "int", required: true, forceNew: true },
    prefix: { type: "string", ...once },
    b64Std: { type: "string", computed: true },
    b64Url: { type: "string", computed: true },
    hex: { type: "string", computed: true },
    dec: { type: "string", computed: true },
  },
  async create({ inputs }) {
    const bytes = randomBytes(inputs.byteLength);
    const prefix = inputs.prefix ?? "";
    const b64Url = bytes.toString("base64url");
    return {
      id: b64Url,
      outputs: {
        b64Url: prefix + b64Url,
        b64Std: prefix + bytes.toString("base64"),
        hex: prefix + bytes.toString("hex"),
        dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(),
      },
    };
  },
};

/** The resource types of @pulumi/random that the program uses, with real randomness. */
export const randomKinds: Record<string, Kind> = {
  "random:index/randomPassword:RandomPassword": randomPassword as Kind,
  "random:index/randomString:RandomString": { ...randomPassword, secretOutputs: [] } as Kind,
  "random:index/randomId:RandomId": randomId as Kind,
};
