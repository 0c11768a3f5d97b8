import type { Dashboard } from "./dashboard";
import { metrics } from "./names";
import { bars, unit } from "./panel";
import { increase } from "./query";

const teamOverview: Dashboard = {
  name: "claude-code-team-overview",
  title: "Claude Code: team overview",
  description: "Spend, tokens, sessions and results, by team, engineer and model",
  variables: [{ attribute: "team" }, { attribute: "engineer" }, { attribute: "model" }],
  sections: {
    Spend: [
      bars(
        "Spend by engineer",
        "Who spends how much?",
        increase(metrics.cost, { by: ["engineer"] }),
        unit.usd,
      ),
    ],
  },
};

export const dashboards = [teamOverview];
