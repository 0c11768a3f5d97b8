import { is, moreThan } from "../condition";
import type { Dashboard } from "../dashboard";
import { events, metrics, spans } from "../names";
import { bars, lines, list, number, pie, table, unit } from "../panel";
import { increase, events as logs, spansOf } from "../query";
import { companyVariables } from "./shared";

const weekSeconds = 7 * 24 * 3600;
const retried = { attempt: moreThan(1) };
const failed = { success: is("false") };
const refused = { decision: is("reject") };

export const reliability: Dashboard = {
  name: "claude-code-reliability",
  title: "Claude Code: reliability",
  description:
    "API errors and latency, failing and refused tools, versions, and who stopped reporting",
  variables: companyVariables,
  sections: {
    "The API": [
      number("API errors", "How many requests failed?", logs(events.apiError, "count()")),
      number(
        "API error rate",
        "Which share of the requests failed?",
        {
          errors: logs(events.apiError, "count()"),
          requests: logs(events.apiRequest, "count()"),
        },
        unit.percent,
        { formula: "A / (A + B) * 100" },
      ),
      number(
        "Failed after retries",
        "How many failed although they were tried again?",
        logs(events.apiError, "count()", { where: retried }),
      ),
      number(
        "Engineers with errors",
        "How many people saw one?",
        logs(events.apiError, "count_distinct(attribute.engineer)"),
      ),
      bars(
        "API errors by status",
        "Overloaded, rate limit, or our own mistake?",
        logs(events.apiError, "count()", { by: ["status_code"] }),
      ),
      bars(
        "API errors by model",
        "Is one model in trouble?",
        logs(events.apiError, "count()", { by: ["model"] }),
      ),
      bars(
        "Attempts",
        "How often was a failed request tried?",
        logs(events.apiError, "count()", { by: ["attempt"] }),
      ),
      lines(
        "API latency by model",
        "How long does an answer take? (p95)",
        spansOf(spans.llmRequest, "p95(duration_nano)", { by: ["model"] }),
        unit.nanoseconds,
      ),
      lines(
        "Time to first token",
        "How long until an answer begins?",
        {
          p50: logs(events.apiRequest, "p50(ttft_ms)"),
          p95: logs(events.apiRequest, "p95(ttft_ms)"),
        },
        unit.milliseconds,
      ),
      bars(
        "How answers end",
        "Do answers end as they should?",
        spansOf(spans.llmRequest, "count()", { by: ["stop_reason"] }),
      ),
    ],
    Tools: [
      bars(
        "Refused tools",
        "Which tools are not allowed, and who refuses?",
        logs(events.toolDecision, "count()", { by: ["tool_name", "source"], where: refused }),
      ),
      bars(
        "Failed tools",
        "Which tools fail, and with what?",
        logs(events.toolResult, "count()", { by: ["tool_name", "error_type"], where: failed }),
      ),
      lines(
        "Tool failure rate",
        "Which share of tool runs fails?",
        {
          failures: logs(events.toolResult, "count()", { where: failed }),
          runs: logs(events.toolResult, "count()"),
        },
        unit.percent,
        { formula: "A / B * 100" },
      ),
      pie(
        "Tool success",
        "How many tool runs succeed and fail?",
        logs(events.toolResult, "count()", { by: ["success"] }),
      ),
      lines(
        "Tool duration",
        "How long do tools run? (p95)",
        logs(events.toolResult, "p95(duration_ms)", { by: ["tool_name"] }),
        unit.milliseconds,
      ),
    ],
    Clients: [
      bars(
        "Versions in use",
        "Who has not updated?",
        increase(metrics.sessions, { by: ["service.version"] }),
      ),
      bars(
        "How sessions start",
        "New, resumed or continued?",
        increase(metrics.sessions, { by: ["start_type"] }),
      ),
      table(
        "Who stopped reporting",
        "Who had sessions a week earlier, and none now? (choose a range of a day or a week)",
        {
          now: increase(metrics.sessions, { by: ["engineer", "team"] }),
          "a week earlier": increase(metrics.sessions, {
            by: ["engineer", "team"],
            earlierSeconds: weekSeconds,
          }),
        },
      ),
      list("Newest API errors", "What exactly failed?", logs(events.apiError, "count()"), [
        "engineer",
        "model",
        "status_code",
        "error",
        "attempt",
        "duration_ms",
      ]),
    ],
  },
};
