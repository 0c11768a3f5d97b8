import { is } from "../condition";
import type { Dashboard } from "../dashboard";
import { events, metrics, spans } from "../names";
import { bars, lines, list, number, table, unit } from "../panel";
import { increase, events as logs, spansOf } from "../query";
import { cacheEfficiency, tokensByType } from "./shared";

const { cost, sessions, activeTime, commits, pullRequests, edits } = metrics;

export const engineer: Dashboard = {
  name: "claude-code-engineer",
  title: "Claude Code: one engineer",
  description: "One person: spend, tokens, tools, results, and what gets in the way",
  variables: [
    { attribute: "engineer", single: true },
    { attribute: "engineer.verified", name: "verified" },
  ],
  sections: {
    Overview: [
      number("Spend, 24 hours", "What did the last 24 hours cost?", increase(cost), unit.usd, {
        range: "last_1_day",
      }),
      number("Spend, one month", "What did the last month cost?", increase(cost), unit.usd, {
        range: "last_1_month",
      }),
      number("Sessions", "How many sessions were started?", increase(sessions)),
      number("Prompts", "How many prompts were sent?", logs(events.prompt, "count()")),
      number("Active time", "How long was it worked with?", increase(activeTime), unit.seconds),
      number("Commits", "How many commits were made in sessions?", increase(commits)),
      number("Pull requests", "How many were opened in sessions?", increase(pullRequests)),
      number("Lines changed", "How many lines changed?", increase(metrics.lines)),
    ],
    "Spend and tokens": [
      bars("Spend by model", "On which model?", increase(cost, { by: ["model"] }), unit.usd),
      bars(
        "Spend by source",
        "Main conversation, or sub-agents?",
        increase(cost, { by: ["query_source", "agent.name"] }),
        unit.usd,
      ),
      tokensByType,
      cacheEfficiency,
    ],
    "Tools and results": [
      bars(
        "Tools used",
        "Which tools ran, when?",
        logs(events.toolResult, "count()", { by: ["tool_name"] }),
      ),
      bars(
        "Tools that failed",
        "Which tools fail, and with what?",
        logs(events.toolResult, "count()", {
          by: ["tool_name", "error_type"],
          where: { success: is("false") },
        }),
      ),
      table("Tools", "How often does each tool run and fail, and how long does it take?", {
        runs: logs(events.toolResult, "count()", { by: ["tool_name"] }),
        failures: logs(events.toolResult, "count()", {
          by: ["tool_name"],
          where: { success: is("false") },
        }),
        "p95 duration": [
          logs(events.toolResult, "p95(duration_ms)", { by: ["tool_name"] }),
          unit.milliseconds,
        ],
      }),
      bars(
        "Edits by decision",
        "Are proposed edits taken?",
        increase(edits, { by: ["decision", "source"] }),
      ),
      bars("Lines by type", "Added or removed?", increase(metrics.lines, { by: ["type"] })),
    ],
    "What gets in the way": [
      bars(
        "API errors by status",
        "Does the API fail?",
        logs(events.apiError, "count()", { by: ["status_code"] }),
      ),
      lines(
        "API latency",
        "How long does an answer take?",
        {
          p50: logs(events.apiRequest, "p50(duration_ms)"),
          p95: logs(events.apiRequest, "p95(duration_ms)"),
        },
        unit.milliseconds,
      ),
      lines(
        "Waiting for the person",
        "How long do tools wait for permission?",
        spansOf(spans.blockedOnUser, "p95(duration_nano)", { by: ["decision"] }),
        unit.nanoseconds,
      ),
      bars(
        "Refused tools",
        "What was not allowed, and who refused it?",
        logs(events.toolDecision, "count()", {
          by: ["tool_name", "source"],
          where: { decision: is("reject") },
        }),
      ),
      list(
        "Newest API requests",
        "What was asked of the model, at what price?",
        logs(events.apiRequest, "count()"),
        ["model", "query_source", "cost_usd", "duration_ms", "input_tokens", "output_tokens"],
      ),
    ],
  },
};
