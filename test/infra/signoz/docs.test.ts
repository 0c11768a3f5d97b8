import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderContent } from "../../../infra/signoz/content.js";
import { bareInput, fullInput } from "../../../simulator/signoz/input.js";

const page = readFileSync(join(__dirname, "../../../docs/dashboards.md"), "utf8");
const content = renderContent(fullInput);

interface Dashboard {
  spec: {
    display: { name: string; description: string };
    panels: Record<string, { spec: { display: { name: string; description: string } } }>;
  };
}
const dashboards = content.dashboards as unknown as Dashboard[];
const section = (title: string): string =>
  page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
const rows = (text: string): string[][] =>
  [...text.matchAll(/^\|(.*)\|$/gm)].map(([, row = ""]) =>
    row.split("|").map((cell) => cell.trim()),
  );

describe("docs/dashboards.md", () => {
  it.each(dashboards.map((dashboard) => [dashboard.spec.display.name, dashboard.spec] as const))(
    "has the panels of %s and no others, with what each answers",
    (title, { panels }) => {
      const told = rows(section(title))
        .slice(2)
        .map((row) => row.slice(-2));
      const shown = Object.values(panels).map(({ spec }) => [
        spec.display.name,
        spec.display.description,
      ]);
      expect(told).toEqual(shown);
    },
  );

  it("has every alert", () => {
    const told = rows(section("Alerts")).map(([alert]) => alert);
    const rules = [content, renderContent(bareInput)].flatMap(({ rules }) => rules);
    for (const { alert } of rules) expect(told).toContain(alert.replace(/ \(research\)$/, ""));
  });

  it("says by which mark each kind is known as ours", () => {
    const marks = section("What happens to edits in the browser");
    for (const name of content.channelNames) expect(marks).toContain(`\`${name}\``);
    const [quiet] = content.quietHours as unknown as { description: string }[];
    expect(marks).toContain(`\`${quiet?.description}\``);
  });

  it("shows a line to add that compiles: it is one of the forms the dashboards use", () => {
    const [, line = ""] = /`(bars\(.*\)),`/.exec(page) ?? [];
    expect(line).toMatch(
      /^bars\("[^"]+", "[^"]+", increase\(metrics\.edits, \{ by: \["tool_name"\] \}\)\)$/,
    );
  });
});
