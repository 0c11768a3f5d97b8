import { readFileSync } from "node:fs";
import { join } from "node:path";
import { needed } from "../../infra/config/backends";
import { groups } from "../../infra/config/settings";
import { plain, type Values } from "../../simulator/cloud/values";
import { type ProgramResult, runProgram } from "../../simulator/program";
import { code, table } from "./table";

const root = join(__dirname, "../..");
const source = (file: string) => readFileSync(join(root, file), "utf8");

const titles: Record<keyof typeof groups, string> = {
  engineers: "Engineers and their keys",
  gate: "The gate",
  machine: "The machine and its data",
  signoz: "SigNoz",
  alerts: "Budgets and alerts",
  cloud: "SigNoz Cloud",
  gke: "GKE",
};

/** docs/configuration.md, whole: from the config's readers, index.ts, package.json and a run of the program. */
export async function configurationPage(): Promise<string> {
  const program = await runProgram({
    config: {
      personalKeyEmails: ["dana@palindrom.example"],
      secretReaders: ["group:engineers@palindrom.example"],
      signozUsers: ["group:leads@palindrom.example"],
    },
  });
  const keyTables = Object.entries(groups).map(
    ([group, keys]) => `### ${titles[group as keyof typeof groups]}\n\n${keyTable(keys)}`,
  );
  return `# Configuration

Written by ${code("npm run docs")} from the code; ${code("npm run check")} fails when it is stale.

- [Keys](#keys) of a stack's configuration
- [Outputs](#outputs), [secrets](#secrets) and [grants](#grants) of a stack
- [Dependencies](#dependencies), and why each is there

## Keys

${code("pulumi config set monitoring:KEY VALUE")}, or ${code("--path 'monitoring:KEY[0]' VALUE")} for a list. Google's place is
${code("gcp:project")} and ${code("gcp:zone")}. All faults are reported at once, before any resource is touched.

${keyTables.join("\n")}
## Outputs

${outputTable(program)}
## Secrets

Of a stack ${code("dev")} in which one engineer, dana, has a key of her own.

${secretTable(program)}
## Grants

What the program grants; what a project's CI may do: [scripts/bootstrap.sh](../scripts/bootstrap.sh).

${grantTable(program)}
## Dependencies

${dependencyTable()}`;
}

function keyTable(keys: (typeof groups)[keyof typeof groups]): string {
  const shown = (name: string, value: unknown) => {
    if (value === undefined) return "**required**";
    const needing = needed.find(({ names }) => names.includes(name));
    if (needing) return `**required** with ${code(needing.backend)}`;
    return value === "" ? "" : code(JSON.stringify(value).replace(/^"|"$/g, ""));
  };
  return table(
    ["Key", "Default", "Meaning"],
    Object.entries(keys).map(([name, { meaning, default: preset }]) => [
      code(name),
      shown(name, preset),
      meaning,
    ]),
  );
}

/** The comment above each export of index.ts says what it is. */
function outputTable({ outputs }: ProgramResult): string {
  const meanings = new Map(
    [...source("index.ts").matchAll(/^\/\*\* (.*) \*\/\nexport const (\w+)/gm)].map(
      ([, meaning = "", name = ""]) => [name, meaning],
    ),
  );
  return table(
    ["Output", "What it is"],
    Object.keys(outputs).map((name) => {
      const meaning = meanings.get(name);
      if (!meaning) throw new Error(`index.ts: export ${name} has no comment of one line above it`);
      return [code(name), meaning];
    }),
  );
}

const inputsOf = (program: ProgramResult, type: string) =>
  program.resources
    .filter((resource) => resource.type === type)
    .map(({ inputs }) => plain<Values>(inputs));

function secretTable(program: ProgramResult): string {
  const grants = inputsOf(program, "gcp:secretmanager/secretIamMember:SecretIamMember");
  const readers = (secretId: unknown) =>
    grants
      .filter((grant) => String(grant.secretId).endsWith(`/${secretId}`))
      .map(({ member }) => memberName(String(member)))
      .join(", ");
  return table(
    ["Secret", "Holds", "Read by"],
    inputsOf(program, "gcp:secretmanager/secret:Secret").map(({ secretId, annotations }) => [
      code(String(secretId)),
      (annotations as { holds: string }).holds,
      readers(secretId),
    ]),
  );
}

/** Who a member of the run above stands for. */
function memberName(member: string): string {
  if (member.startsWith("serviceAccount:monitoring-")) return "the VM";
  if (member.startsWith("user:dana@")) return "its engineer";
  return code(member.startsWith("group:engineers@") ? "secretReaders" : "signozUsers");
}

function grantTable(program: ProgramResult): string {
  const grants = program.resources
    .filter(({ type }) => /Iam(Member|Binding|Policy)$/i.test(type))
    .map(({ inputs }) => plain<Values>(inputs))
    .map(({ role, member, condition, secretId }) => {
      const only = (condition as { expression?: string } | undefined)?.expression;
      return [
        memberName(String(member)),
        code(String(role)),
        secretId === undefined ? "the VM" : "each secret above that they read",
        only ? code(only) : "",
      ];
    });
  const once = new Map(grants.map((grant) => [grant.join(), grant]));
  return table(["Who", "Role", "On", "Only when"], [...once.values()]);
}

function dependencyTable(): string {
  const { dependencies, devDependencies, dependencyReasons } = JSON.parse(source("package.json"));
  return table(
    ["Package", "Version", "Why"],
    Object.entries<string>({ ...dependencies, ...devDependencies }).map(([name, version]) => {
      const reason = dependencyReasons[name];
      if (!reason) throw new Error(`package.json: dependencyReasons has none for ${name}`);
      return [code(name), version, reason];
    }),
  );
}
