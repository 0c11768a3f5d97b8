import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runProgram } from "../../simulator/program";
import { codeBlocks, commands } from "./documents";

// README's links have a test of their own.
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync("docs").map((file) => `docs/${file}`),
];
const text = (document: string) => readFileSync(document, "utf8");
const withoutCode = (document: string) => text(document).replace(/^```[\s\S]*?^```$/gm, "");
const anchors = (document: string) =>
  [...withoutCode(document).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );

describe.each(documents)("%s", (document) => {
  it("links to files and sections that exist", () => {
    for (const [, target = ""] of withoutCode(document).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path = "", anchor] = target.split("#");
      const file = path ? join(dirname(document), path) : document;
      expect(existsSync(file), `${document}: ${target}`).toBe(true);
      if (anchor) expect(anchors(file), `${document}: ${target}`).toContain(anchor);
    }
  });

  it("names config keys that exist", () => {
    const keys = Object.keys(parse(text("Pulumi.yaml")).config);
    for (const [, key = ""] of text(document).matchAll(/monitoring:([a-z]\w+)\b(?!:)/g))
      expect([...keys, "index"], `${document}: monitoring:${key}`).toContain(key);
  });

  it("calls npm scripts and shell scripts that exist", () => {
    const scripts = Object.keys(JSON.parse(text("package.json")).scripts);
    const code = codeBlocks(document)
      .map((block) => block.text)
      .join("\n");
    for (const [, name = ""] of `${code}${text(document)}`.matchAll(
      /npm (?:run )?(start|test|[a-z]+:[a-z]+|(?<=run )[a-z]+)\b/g,
    ))
      expect(scripts, `${document}: npm ${name}`).toContain(name);
    for (const [script] of code.matchAll(/(?<=^\s*)(?:scripts|hooks)\/[\w/.-]+\.sh/gm))
      accessSync(script, constants.X_OK);
  });
});

describe("docs/runbook.md", () => {
  it("names the VM, the disk and the secrets as the program does", async () => {
    const { resources } = await runProgram();
    const names = resources.flatMap(({ inputs }) => [
      inputs.name,
      inputs.secretId,
      inputs.zone,
      inputs.project,
    ]);
    const runbook = text("docs/runbook.md");
    for (const [, secret] of runbook.matchAll(/--secret=(\S+)/g)) expect(names).toContain(secret);
    for (const [, verb, name] of runbook.matchAll(
      /gcloud compute (start-iap-tunnel|ssh|instances stop|disks snapshot) (\S+)/g,
    ))
      expect(names, verb).toContain(name);
    for (const [, zone] of runbook.matchAll(/--zone=(\S+)/g)) expect(names).toContain(zone);
    const stack = parse(text("Pulumi.dev.yaml")).config;
    for (const [, project] of runbook.matchAll(/--project=(\S+)/g))
      expect(project).toBe(stack["gcp:project"]);
  });

  it("adds its costs up", () => {
    const rows = [
      ...text("docs/runbook.md").matchAll(/^\| (.+?) \| \**([\d.]+)\** \| \**([\d.]+)\** \|$/gm),
    ];
    const figures = Object.fromEntries(
      rows.map(([, what = "", small, large]) => [
        what.replaceAll("*", ""),
        [Number(small), Number(large)],
      ]),
    );
    const price = (what: string) =>
      Number(new RegExp(`^\\| ([\\d.]+) \\| ${what}`, "m").exec(text("docs/runbook.md"))?.[1]);
    const hours = 730;
    const machine = (vcpus: number, gib: number) =>
      Number((hours * (vcpus * price("E2 vCPU") + gib * price("E2 GiB"))).toFixed(2));
    const defaults = parse(text("Pulumi.yaml")).config;
    expect(figures["machine (2 vCPU, 8 GiB; 4 vCPU, 16 GiB)"]).toEqual([
      machine(2, 8),
      machine(4, 16),
    ]);
    const disks =
      (defaults.dataDiskGb.default + defaults.bootDiskGb.default) * price("GiB of pd-balanced");
    expect(figures["disks: 100 GiB data, 30 GiB boot"]).toEqual([disks, disks]);
    expect(figures["snapshots: 40 GiB stored"]?.[0]).toBeCloseTo(
      40 * price("GiB of multi-regional"),
      2,
    );
    expect(figures.address?.[0]).toBeCloseTo(hours * price("external address"), 2);
    for (const [what, each] of Object.entries(figures)) {
      const engineers = Number(/^(\d+) engineers$/.exec(what)?.[1]);
      if (!engineers) continue;
      expect(each, what).toEqual(figures.sum?.map((sum) => Number((sum / engineers).toFixed(2))));
      delete figures[what];
    }
    for (const column of [0, 1]) {
      const parts = Object.entries(figures)
        .filter(([what]) => what !== "sum")
        .map(([, values]) => values[column] ?? 0);
      expect(figures.sum?.[column]).toBeCloseTo(
        parts.reduce((sum, part) => sum + part, 0),
        2,
      );
    }
    expect(defaults.machineType.default).toBe("e2-standard-2");
  });

  it("describes the identities that bootstrap makes and the label that the preview reads", () => {
    for (const identity of ["preview", "drift", "deploy"])
      expect(text("docs/runbook.md")).toContain(`| \`monitoring-${identity}\` |`);
    expect(text(".github/workflows/preview.yml")).toContain("'allow-replace'");
  });
});

it("every command in the documents is of a kind that a test knows how to check", () => {
  const known =
    /^(gcloud|pulumi|npm|pip|scripts\/|bash \.ci\/run|(\[ ! -r )?~\/\.claude\/|\.?\.?\/?hooks\/)/;
  const strangers = documents
    .flatMap((document) => commands(document))
    .filter(({ line }) => !known.test(line));
  expect(strangers).toEqual([]);
});
