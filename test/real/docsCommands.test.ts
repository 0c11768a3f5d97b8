import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codeBlocks, commands } from "../docs/documents";
import { fakeGithub } from "../fakeGithub";
import { fakeTool, fixture, scratchFolder } from "../fakeTool";
import { gcloudFaults, hasGcloud } from "./parts/gcloud";
import { pulumiCli } from "./parts/pulumi";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync("docs").map((file) => `docs/${file}`),
];

/** A command's words as bash sees them, `$(…)` left as one word; what follows a pipe or redirection is another's. */
function words(line: string): string[] {
  const plain = line
    .replace(/"\$\([^)]*\)"|\$\([^)]*\)/g, "COMPUTED")
    .replace(/ [|>] .*| >\S+.*/, "")
    .replace(/…/g, "");
  return spawnSync("bash", ["-c", `printf '%s\\0' ${plain}`], { encoding: "utf8" })
    .stdout.split("\0")
    .slice(0, -1);
}

/** Every call of a tool in shell blocks, also inside `$(…)`, and in inline code that has a flag (the others only name a command). */
function callsOf(tool: string): string[] {
  return documents.flatMap((document) => [
    ...commands(document)
      .map(({ line }) => line)
      .filter((line) => line.startsWith(`${tool} `)),
    ...codeBlocks(document).flatMap(({ text }) =>
      [...text.matchAll(new RegExp(`\\$\\((${tool} [^()|]*)`, "g"))].map(([, call = ""]) => call),
    ),
    ...[
      ...readFileSync(document, "utf8").matchAll(
        new RegExp(`\`(${tool} [^\`…]* --[^\`…]*)\``, "g"),
      ),
    ].map(([, call = ""]) => call.split(" | ")[0] ?? ""),
  ]);
}

describe.skipIf(!hasGcloud)("gcloud's own argument parser (needs gcloud)", () => {
  it("tells right from wrong", () => {
    expect(
      gcloudFaults([
        ["storage", "buckets", "list"],
        ["storage", "buckets", "list", "--bogus"],
        ["kms", "keys", "creat"],
      ]),
    ).toEqual([null, expect.any(String), expect.any(String)]);
  });

  it("takes every gcloud command of the documents", () => {
    const calls = callsOf("gcloud").map((line) => words(line).slice(1));
    expect(calls.length).toBeGreaterThan(8);
    const faults = gcloudFaults(calls);
    expect(
      calls.flatMap((call, index) =>
        faults[index] ? [`${call.join(" ")}: ${faults[index]}`] : [],
      ),
    ).toEqual([]);
  });

  it("takes every gcloud command of scripts/bootstrap.sh", () => {
    // An empty project makes the script call everything; a gcloud that finds nothing and takes everything records it.
    const gcloud = fakeTool("gcloud", fixture("real/protection/gcloud.sh"));
    const args = [
      "--project",
      "acme-monitoring",
      "--repository",
      "acme/monitoring",
      "--repository-id",
      "4711",
    ];
    const { status, stderr } = spawnSync("scripts/bootstrap.sh", args, {
      env: { ...gcloud.env, PATH: `${fakeGithub().folder}/bin:${gcloud.env.PATH}` },
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    const calls = gcloud.argv();
    expect(calls.length).toBeGreaterThan(50);
    const faults = gcloudFaults(calls);
    expect(
      calls.flatMap((call, index) =>
        faults[index] ? [`${call.join(" ")}: ${faults[index]}`] : [],
      ),
    ).toEqual([]);
  });
});

describe("the real Pulumi CLI", () => {
  it("knows every command and flag of the documents and scripts", async () => {
    const pulumi = join(await pulumiCli(), "bin/pulumi");
    const scripts = [
      "scripts/ci/preview/run.sh",
      "scripts/ci/preview/capture.sh",
      "scripts/ci/preview/publish.sh",
      "scripts/ci/drift/compare.sh",
    ].flatMap((script) =>
      [...readFileSync(script, "utf8").matchAll(/^\s*(pulumi .*)$/gm)].map(([, call = ""]) =>
        call.replace(/\s(?:\d?>|\|\||&&).*| \|.*| \\$/, ""),
      ),
    );
    const calls = [...new Set([...callsOf("pulumi"), ...scripts])].map((line) =>
      words(line).slice(1),
    );
    expect(calls.length).toBeGreaterThan(15);
    const faults = await Promise.all(
      calls.map(async (call) => ((await knows(pulumi, call)) ? [] : [call.join(" ")])),
    );
    expect(faults.flat()).toEqual([]);
    expect(await knows(pulumi, ["config", "set", "--bogus"])).toBe(false);
    expect(await knows(pulumi, ["stack", "bogus"])).toBe(false);
  });

  const settings = documents
    .map((document) => {
      const lines = commands(document).map(({ line }) => line);
      const set = /^pulumi config (set|rm) (?!.*--secret)/;
      return [document, lines.filter((line) => set.test(line))] as const;
    })
    .filter(([, lines]) => lines.length > 0);
  it.each(settings)("takes the configuration that %s leads to", async (_, lines) => {
    const dir = scratchFolder("config");
    const bin = join(await pulumiCli(), "bin");
    const run = (command: string) =>
      spawnSync("bash", ["-c", command], {
        cwd: dir,
        env: {
          // No language host, with which it would go on.
          PATH: `${bin}:/usr/bin:/bin`,
          HOME: dir,
          PULUMI_HOME: dir,
          PULUMI_BACKEND_URL: `file://${dir}`,
          PULUMI_CONFIG_PASSPHRASE: "test",
          PULUMI_SKIP_UPDATE_CHECK: "true",
        },
        encoding: "utf8",
      });
    copyFileSync("Pulumi.yaml", join(dir, "Pulumi.yaml"));
    copyFileSync("docs/Pulumi.example.yaml", join(dir, "Pulumi.dev.yaml"));
    expect(run("pulumi stack init dev").stderr).not.toContain("error");
    const refused = /validating stack config/;
    for (const line of lines) {
      expect(run(`pulumi --non-interactive ${line.slice(7)}`).status, line).toBe(0);
      // It looks at the configuration before anything else.
      expect(run("pulumi preview --non-interactive").stderr, line).not.toMatch(refused);
    }
    run("pulumi config set --path 'monitoring:secretReaders[1]' 7");
    expect(run("pulumi preview --non-interactive").stderr).toMatch(refused);
  });
});

/** Flags are parsed before --help is looked at, so nothing runs; the usage names the command that was found. */
function knows(pulumi: string, call: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(pulumi, [...call, "--help"], (error, stdout) => {
      const path: string[] = [];
      for (const word of call) {
        if (!/^[a-z][a-z-]+$/.test(word)) break;
        path.push(word);
      }
      // Positional arguments follow the command's path: the longest prefix that the usage shows must hold a verb.
      const usage = /Usage:\s+pulumi ([^\n[<]*)/.exec(stdout)?.[1]?.trim().split(" ") ?? [];
      const aliases = /Aliases:\s+([^\n]*)/.exec(stdout)?.[1]?.split(/, ?/) ?? [];
      const verb = usage.at(-1) ?? "";
      resolve(
        !error &&
          verb !== "" &&
          (path.includes(verb) || aliases.some((alias) => path.includes(alias))) &&
          !(usage.length === 1 && path.length > 1 && /Available Commands/.test(stdout)),
      );
    });
  });
}
