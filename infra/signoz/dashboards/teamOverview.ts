import { is } from "../condition";
import type { Dashboard } from "../dashboard";
import { events, metrics } from "../names";
import {
  askedBars,
  askedNumber,
  askedTable,
  bars,
  lines,
  number,
  pie,
  table,
  unit,
} from "../panel";
import { increase, events as logs } from "../query";
import {
  activePerDay,
  adoption,
  adoptionDays,
  type Budgets,
  spendAgainstBudget,
  stopped,
  stoppedDays,
  topShare,
} from "../sql";
import {
  cacheEfficiency,
  cacheEfficiencyBy,
  cacheFormula,
  companyVariables,
  tokensByType,
} from "./shared";

const { cost, tokens, sessions, activeTime, commits, pullRequests, edits } = metrics;
const changed = metrics.lines;

/** Seconds it worked by itself, and seconds of a person at the keyboard. */
const leverage = {
  "Claude Code": increase(activeTime, { where: { type: is("cli") } }),
  person: increase(activeTime, { where: { type: is("user") } }),
};

export const teamOverview = (input: Budgets): Dashboard => ({
  name: "claude-code-team-overview",
  title: "Claude Code: team overview",
  description: "Spend, tokens, sessions and results, by team, engineer and model",
  variables: companyVariables,
  sections: {
    Overview: [
      number("Spend", "What did it cost?", increase(cost), unit.usd),
      number("Sessions", "How many sessions were started?", increase(sessions)),
      number("Active time", "How long was it worked with?", increase(activeTime), unit.seconds),
      number(
        "Active engineers",
        "How many people prompted?",
        logs(events.prompt, "count_distinct(attribute.engineer)"),
      ),
      number("Tokens", "How many tokens were used?", increase(tokens)),
      number("Commits", "How many commits were made in sessions?", increase(commits)),
      number("Pull requests", "How many were opened in sessions?", increase(pullRequests)),
      number("Lines changed", "How many lines were added or removed?", increase(changed)),
    ],
    Spend: [
      bars(
        "Spend by team",
        "Which team spends what, when?",
        increase(cost, { by: ["team"] }),
        unit.usd,
      ),
      bars(
        "Spend by engineer",
        "Who spends what, when? (of more than 20, those with the highest bars on average)",
        increase(cost, { by: ["engineer"], top: 20 }),
        unit.usd,
      ),
      bars(
        "Spend by model",
        "Which model is the money spent on?",
        increase(cost, { by: ["model"] }),
        unit.usd,
      ),
      bars(
        "Spend by source",
        "Main conversation, sub-agents, or work in the background?",
        increase(cost, { by: ["query_source"] }),
        unit.usd,
      ),
    ],
    Budgets: [
      askedTable(
        "Spend against budget",
        `Who has spent how much of the budget, since midnight and since the first of the month (${input.timezone}), until the end of the chosen range?`,
        spendAgainstBudget(input),
      ),
    ],
    Adoption: [
      askedNumber(
        "Stopped using it",
        `How many were active in the last ${adoptionDays} days, and not in the last ${stoppedDays}?`,
        stopped(input.timezone),
      ),
      askedNumber(
        "Share of the top 3",
        `Which share of the last ${adoptionDays} days' spend is that of the three who spend most?`,
        topShare(input.timezone, 3),
        unit.percent,
      ),
      askedBars(
        "Engineers per day",
        "How many people were active on each day?",
        activePerDay(input.timezone),
      ),
      askedTable(
        "Active days",
        `Who was active on how many of the ${adoptionDays} days up to the end of the range, and whose use has stopped?`,
        adoption(input.timezone),
      ),
    ],
    People: [
      table("Engineers", "Who used it how much, and what came of it?", {
        spend: [increase(cost, { by: ["engineer", "team"] }), unit.usd],
        sessions: increase(sessions, { by: ["engineer", "team"] }),
        "active time": [increase(activeTime, { by: ["engineer", "team"] }), unit.seconds],
        tokens: increase(tokens, { by: ["engineer", "team"] }),
        commits: increase(commits, { by: ["engineer", "team"] }),
        "pull requests": increase(pullRequests, { by: ["engineer", "team"] }),
        lines: increase(changed, { by: ["engineer", "team"] }),
      }),
      lines("Sessions by team", "Which team uses it, when?", increase(sessions, { by: ["team"] })),
      lines(
        "Spend per active hour",
        "What does an hour of work cost?",
        { spend: increase(cost), time: increase(activeTime) },
        unit.usd,
        { formula: "A / (B / 3600)" },
      ),
    ],
    Tokens: [
      tokensByType,
      bars("Tokens by model", "Which model uses how many?", increase(tokens, { by: ["model"] })),
      cacheEfficiency,
      table(
        "Cache share by engineer",
        "Whose set-up makes good use of the cache? (share of the input; far below the others: look at it)",
        cacheEfficiencyBy("engineer"),
        unit.percent,
        { formula: cacheFormula },
      ),
      lines("Tokens by team", "Which team uses how many?", increase(tokens, { by: ["team"] })),
    ],
    Results: [
      bars("Commits by team", "Where do commits come from?", increase(commits, { by: ["team"] })),
      bars("Lines by type", "Added or removed?", increase(changed, { by: ["type"] })),
      number(
        "Spend per commit",
        "What does a commit cost?",
        { spend: increase(cost), commits: increase(commits) },
        unit.usd,
        { formula: "A / B" },
      ),
      number(
        "Spend per pull request",
        "What does a pull request cost?",
        { spend: increase(cost), "pull requests": increase(pullRequests) },
        unit.usd,
        { formula: "A / B" },
      ),
      number(
        "Edits accepted",
        "Which share of proposed edits was taken?",
        {
          accepted: increase(edits, { where: { decision: is("accept") } }),
          all: increase(edits),
        },
        unit.percent,
        { formula: "A / B * 100" },
      ),
      number("Leverage", "How long does it work for a second of attention?", leverage, unit.count, {
        formula: "A / B",
      }),
      lines("Leverage over time", "Is it left alone longer?", leverage, unit.count, {
        formula: "A / B",
      }),
      bars(
        "Working time",
        "How long did it work, how long did people?",
        increase(activeTime, { by: ["type"] }),
        unit.seconds,
      ),
      pie(
        "Edits by language",
        "Which languages is it used for?",
        increase(edits, { by: ["language"] }),
      ),
    ],
  },
});
