/** What several dashboards show alike. */
import { is } from "../condition";
import { metrics } from "../names";
import { bars, lines, unit, type Variable } from "../panel";
import { increase } from "../query";

const { tokens } = metrics;

/** Choices above a dashboard of the whole company. */
export const companyVariables: Variable[] = [
  { attribute: "team" },
  { attribute: "engineer" },
  { attribute: "model" },
  { attribute: "engineer.verified", name: "verified" },
];

/** Cached share of what was sent to the model: A cache reads, B uncached input, C cache writes. */
export const cacheEfficiencyBy = (...by: "engineer"[]) => ({
  "cache reads": increase(tokens, { by, where: { type: is("cacheRead") } }),
  input: increase(tokens, { by, where: { type: is("input") } }),
  "cache writes": increase(tokens, { by, where: { type: is("cacheCreation") } }),
});
export const cacheFormula = "A / (A + B + C) * 100";

export const tokensByType = bars(
  "Tokens by type",
  "Input, output, cache?",
  increase(tokens, { by: ["type"] }),
);

export const cacheEfficiency = lines(
  "Cache efficiency",
  "Which share of the input came from the cache?",
  cacheEfficiencyBy(),
  unit.percent,
  { formula: cacheFormula },
);
