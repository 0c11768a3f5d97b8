import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";

const text = (file: string) => readFileSync(join(__dirname, "../..", file), "utf8");
const readme = text("README.md");

it("shows every config key as Pulumi.yaml describes it", () => {
  const project: Record<string, { default?: unknown; description: string }> = parse(
    text("Pulumi.yaml"),
  ).config;
  const rows = Object.entries(project).map(([key, { default: value, description }]) => {
    const shown =
      value === undefined
        ? "**required**"
        : value === ""
          ? ""
          : `\`${JSON.stringify(value).replace(/^"|"$/g, "")}\``;
    return `| \`${key}\` | ${shown} | ${description.replaceAll("|", "\\|")} |`;
  });
  const section = readme.slice(readme.indexOf("### Configuration"));
  const table = section.split("\n").filter((line) => /^\| `[a-z]\w+` \| /.test(line));
  expect(table, `README's table should read:\n${rows.join("\n")}\n`).toEqual(rows);
});

it("gives every dependency its version and a reason", () => {
  const { dependencies, devDependencies } = JSON.parse(text("package.json"));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect(version, `${name} is pinned`).toMatch(/^\d+\.\d+\.\d+$/);
    expect(readme, `${name} has a reason in the README`).toMatch(
      new RegExp(`\`${name}\`[^\n]*: \\w`),
    );
  }
});
