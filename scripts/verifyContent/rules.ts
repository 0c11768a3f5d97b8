import { setTimeout as sleep } from "node:timers/promises";
import { renderContent } from "../../infra/signoz/content";
import type { ContentInput } from "../../infra/signoz/contentInput";
import type { Month } from "../../simulator/month/month";
import type { Part } from "./compare";
import type { Signoz } from "./signoz";
import { type Spent, spent } from "./sqlTruth";

interface Rule {
  alert: string;
  condition: { thresholds: { spec: { name: string; target: number }[] } };
}
interface Alert {
  labels: Record<string, string>;
  status: { inhibitedBy: string[]; state: string };
}

/** A daily rule looks every 5 minutes, a monthly one every 30; a new rule looks at once or after that. */
const patienceSeconds = 420;

const teamOf = (alert: string): string | undefined => / \((.*)\)$/.exec(alert)?.[1];

/** `engineer severity` of everything that a spend rule must tell. */
function due(rule: Rule, sums: Spent[], input: ContentInput): string[] {
  const team = teamOf(rule.alert);
  const own = input.teamBudgets.map((budget) => budget.team);
  const counts = sums.filter((one) =>
    team === undefined ? !own.includes(one.team) : one.team === team,
  );
  const people = [...new Set(counts.map(({ engineer }) => engineer))];
  return people.flatMap((engineer) => {
    const value = counts
      .filter((one) => one.engineer === engineer)
      .reduce((sum, { today, month }) => sum + (rule.alert.includes("daily") ? today : month), 0);
    return rule.condition.thresholds.spec
      .filter(({ target }) => value >= target)
      .map(({ name }) => `${engineer} ${name}`);
  });
}

/** Waits for the daily spend rules and compares whom they tell, and which warning a critical notice silences. */
export async function compareRules(
  signoz: Signoz,
  month: Month,
  input: ContentInput,
  end: number,
): Promise<Part> {
  const rules = (renderContent(input).rules as never as Rule[]).filter(({ alert }) =>
    alert.includes("daily spend"),
  );
  const expected = new Map(
    rules.map((rule) => [rule.alert, due(rule, spent(month, input, end), input).sort()]),
  );
  let alerts: Alert[] = [];
  const told = (alert: string) =>
    alerts
      .filter(({ labels }) => labels.alertname === alert)
      .map(({ labels }) => `${labels.engineer} ${labels["threshold.name"]}`)
      .sort();
  const pending = () => rules.filter(({ alert }) => `${told(alert)}` !== `${expected.get(alert)}`);
  for (let waited = 0; waited < patienceSeconds; waited += 5) {
    ({ data: alerts } = await signoz.ask("GET", "/api/v1/alerts"));
    if (pending().length === 0) break;
    await sleep(5000);
  }
  const differences = pending().map(
    ({ alert }) => `rule ${alert}: tells ${told(alert)} instead of ${expected.get(alert)}`,
  );
  const silenced = alerts.filter(
    ({ labels }) =>
      labels["threshold.name"] === "warning" &&
      expected.get(labels.alertname ?? "")?.includes(`${labels.engineer} critical`),
  );
  for (const { labels, status } of silenced)
    if (status.inhibitedBy.length === 0)
      differences.push(
        `rule ${labels.alertname}: the critical notice of ${labels.engineer} does not silence the warning`,
      );
  const firing = [...expected.values()].filter((one) => one.length > 0).length;
  return {
    summary: `daily spend rules: ${rules.length}, of which ${firing} must fire; ${alerts.length} notices, ${silenced.length} warnings silenced; ${differences.length} different`,
    differences,
  };
}
