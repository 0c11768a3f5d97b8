import { dashboards } from "../../infra/signoz/content";
import { nameOf, titleOf } from "../../infra/signoz/panel";
import { rulesOf } from "../../infra/signoz/rules";
import { fullInput } from "../../simulator/signoz/input";
import { code, table } from "./table";

/** Every dashboard with its panels and the question that each answers. */
export const dashboardTables = (): string =>
  dashboards(fullInput)
    .map(({ title, description, variables, sections }) => {
      const names = variables.map(nameOf).join(", ") || "none";
      const rows = Object.entries(sections).flatMap(([section, panels]) =>
        panels.map((panel, index) => [index === 0 ? section : "", titleOf(panel), panel.question]),
      );
      return `## ${title}\n\n${description}. Variables: ${names}.\n\n${table(["Section", "Panel", "Answers"], rows)}`;
    })
    .join("\n");

/** Every alert of a stack that has all of them. */
export const alertTable = (): string =>
  table(
    ["Alert", "Fires when", "Tells again", "Off with"],
    rulesOf({
      ...fullInput,
      teamBudgets: fullInput.teamBudgets.map((one) => ({ ...one, team: "TEAM" })),
    }).map(({ alert, fires, repeat, limit }) => [
      alert,
      fires,
      `after ${repeat.replace("h", " h")}`,
      limit ? `${code(limit)} ${limit === "teamBudgets" ? "without the team" : "0"}` : "",
    ]),
  );
