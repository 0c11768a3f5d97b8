import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { Cloud } from "../../simulator/cloud/cloud.js";
import type { Schema } from "../../simulator/cloud/schema.js";

const gcp = dirname(require.resolve("@pulumi/gcp/package.json"));
const nested = interfaces(join(gcp, "types/input.d.ts"));

it.each(new Cloud().types().filter((type) => type.startsWith("gcp:")))(
  "the schema of %s has the names and shapes of the installed SDK",
  (type) => {
    const [, module = "", name = ""] = /^gcp:(.+)\/.*:(.+)$/.exec(type) ?? [];
    const file = readdirSync(join(gcp, module)).find(
      (entry) => entry.toLowerCase() === `${name}.d.ts`.toLowerCase(),
    );
    const sdk = interfaces(join(gcp, module, file ?? "")).get(`${name}Args`);
    expect(differences(new Cloud().schema(type), sdk, "")).toEqual([]);
  },
);

function differences(schema: Schema, sdk: Map<string, Member> | undefined, path: string): string[] {
  const settable = Object.entries(schema).filter(([, one]) => one.required || one.optional);
  const missing = [...(sdk?.keys() ?? [])].filter((key) => !schema[key]);
  const wrong = settable.flatMap(([key, attribute]) => {
    const at = path + key;
    const member = sdk?.get(key);
    if (!member) return [`${at} is not in the SDK`];
    const inner = /inputs\.(\w+\.\w+)/.exec(member.type)?.[1];
    return [
      ...(member.required === Boolean(attribute.required) ? [] : [`${at} is required in one only`]),
      ...(/\[\]/.test(member.type) === (attribute.type === "list")
        ? []
        : [`${at} is a list in one only`]),
      ...(attribute.block ? differences(attribute.block, nested.get(inner ?? ""), `${at}.`) : []),
    ];
  });
  return [...missing.map((key) => `${path}${key} is only in the SDK`), ...wrong];
}

interface Member {
  required: boolean;
  type: string;
}

/** @returns properties by interface, those in a namespace as `namespace.Interface` */
function interfaces(file: string): Map<string, Map<string, Member>> {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022);
  const found = new Map<string, Map<string, Member>>();
  const visit = (node: ts.Node, prefix: string): void => {
    if (ts.isModuleDeclaration(node) && node.body)
      ts.forEachChild(node.body, (child) => visit(child, `${node.name.text}.`));
    if (!ts.isInterfaceDeclaration(node)) return;
    const members = node.members
      .filter(ts.isPropertySignature)
      .map((member): [string, Member] => [
        member.name.getText(source),
        { required: !member.questionToken, type: member.type?.getText(source) ?? "" },
      ]);
    found.set(prefix + node.name.text, new Map(members));
  };
  ts.forEachChild(source, (node) => visit(node, ""));
  return found;
}
