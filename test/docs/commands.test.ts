import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runProgram } from "../../simulator/program";
import { codeBlocks } from "./documents";

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
  });

  it("says how to restore in one place, which README leaves to the runbook", () => {
    expect(
      text("docs/runbook.md").match(/set monitoring:restoreFromSnapshot SNAPSHOT/g),
    ).toHaveLength(1);
    expect(text("README.md")).not.toContain("restoreFromSnapshot");
  });

  it("describes the identities that bootstrap makes and the label that the preview reads", () => {
    for (const identity of ["preview", "plan", "drift", "deploy"])
      expect(text("docs/runbook.md")).toContain(`| \`monitoring-${identity}\` |`);
    expect(text(".github/workflows/preview.yml")).toContain("'allow-replace'");
  });
});
