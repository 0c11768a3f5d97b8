/**
 * Writes what documents tell of the code: Pulumi.yaml's config, docs/configuration.md, and the parts of other pages
 * between `<!-- NAME: written by npm run docs -->` and `<!-- /NAME -->`.
 * Usage: docs.ts            writes
 *        docs.ts --check    exits 1 and names the files that are stale
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isCollection, isScalar, parse, parseDocument, visit } from "yaml";
import { groups } from "../infra/config/settings";
import { configurationPage } from "./docs/configuration";
import {
  clusterTable,
  costTable,
  fitTable,
  growthTable,
  priceTable,
  rateTable,
} from "./docs/costs";
import { alertTable, dashboardTables } from "./docs/dashboards";

const root = join(__dirname, "..");

/** What writes each file from what is there; Pulumi.yaml comes first, since the others run the program with its defaults. */
const pages: [file: string, write: (before: string) => string | Promise<string>][] = [
  ["Pulumi.yaml", withConfig],
  ["docs/configuration.md", configurationPage],
  [
    "docs/dashboards.md",
    (page) => withParts(page, { panels: dashboardTables(), alerts: alertTable() }),
  ],
  [
    "docs/runbook.md",
    (page) =>
      withParts(page, {
        prices: priceTable(),
        rates: rateTable(),
        costs: costTable(),
        fits: fitTable(),
        growing: growthTable(),
        clusters: clusterTable(),
      }),
  ],
];

async function main(): Promise<void> {
  const isCheck = process.argv.includes("--check");
  const stale: string[] = [];
  for (const [file, write] of pages) {
    const path = join(root, file);
    const before = existing(path);
    const after = await write(before);
    if (after === before) continue;
    stale.push(file);
    // What comes after it would only fail on what it lacks.
    if (isCheck) break;
    writeFileSync(path, after);
  }
  if (isCheck && stale.length > 0) {
    console.error(`${stale.join(", ")}: stale; run: npm run docs`);
    process.exitCode = 1;
  } else
    console.log(
      stale.length === 0 ? "documents tell what the code says" : `written: ${stale.join(", ")}`,
    );
}

function existing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Pulumi.yaml with the types, meanings and defaults of infra/config; the rest as it is. */
function withConfig(before: string): string {
  const config = Object.fromEntries(
    Object.values(groups).flatMap((group) =>
      Object.entries(group).map(([name, { meaning, kind, default: preset }]) => [
        name,
        {
          type: kind.type,
          ...(kind.type === "array" && { items: { type: "string" } }),
          ...(preset !== undefined && { default: preset }),
          description: meaning,
        },
      ]),
    ),
  );
  if (isDeepStrictEqual(parse(before).config, config)) return before;
  const document = parseDocument(before);
  const node = document.createNode(config);
  visit(node, {
    Pair(_, { key, value }) {
      const isShort = isScalar(key) && (key.value === "items" || key.value === "default");
      if (isShort && isCollection(value)) value.flow = true;
    },
  });
  document.set("config", node);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

const withParts = (page: string, parts: Record<string, string>): string =>
  Object.entries(parts).reduce((written, [name, text]) => withPart(written, name, text), page);

/** @throws when the page has no such part */
function withPart(page: string, name: string, text: string): string {
  const begin = `<!-- ${name}: written by npm run docs -->`;
  const end = `<!-- /${name} -->`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`no ${begin} … ${end} in the page`);
  const indent = page.slice(page.lastIndexOf("\n", from) + 1, from);
  const indented = text.replace(/^(?=.)/gm, indent);
  return `${page.slice(0, from)}${begin}\n\n${indented}\n${indent}${page.slice(to)}`;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
