import { setTimeout as sleep } from "node:timers/promises";
import { renderContent } from "../../infra/signoz/content";
import type { ContentInput } from "../../infra/signoz/contentInput";
import type { Month } from "../../simulator/month/month";
import type { Part } from "./compare";
import type { Signoz } from "./signoz";
import { cents, type Spent, spent } from "./sqlTruth";

interface Rule {
  alert: string;
  condition: { thresholds: { spec: { name: string; target: number }[] } };
}
interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  status: { inhibitedBy: string[]; state: string };
}

/** A rule looks every 5 minutes, one of a month every 30; a new rule looks at once or after that. */
const frequencySeconds = ({ alert }: Rule): number => (alert.includes("monthly") ? 32 : 7) * 60;

const teamOf = (alert: string): string | undefined => / \((.*)\)$/.exec(alert)?.[1];

/** `engineer severity` of everything that a rule must tell, and of how much. */
function due(rule: Rule, sums: Spent[], input: ContentInput): Map<string, number> {
  const told = new Map<string, number>();
  if (!rule.alert.includes("spend")) return told;
  const team = teamOf(rule.alert);
  const own = input.teamBudgets.map((budget) => budget.team);
  const counts = sums.filter((one) =>
    team === undefined ? !own.includes(one.team) : one.team === team,
  );
  for (const engineer of new Set(counts.map((one) => one.engineer))) {
    const usd = counts
      .filter((one) => one.engineer === engineer)
      .reduce((sum, { today, month }) => sum + (rule.alert.includes("daily") ? today : month), 0);
    for (const { name, target } of rule.condition.thresholds.spec)
      if (cents(usd) >= target) told.set(`${engineer} ${name}`, usd);
  }
  return told;
}

/**
 * Waits until the rules tell whom they must, of how much, and nobody else, and looks which warning a critical notice
 * silences. How full a disk is, is the machine's.
 */
export async function compareRules(
  signoz: Signoz,
  month: Month,
  input: ContentInput,
  end: number,
  patienceSeconds = frequencySeconds,
): Promise<Part> {
  const rules = (renderContent(input).rules as never as Rule[]).filter(
    ({ alert }) => !alert.startsWith("Storage"),
  );
  const sums = spent(month, input, end);
  const expected = new Map(rules.map((rule) => [rule.alert, due(rule, sums, input)]));
  let alerts: Alert[] = [];
  const of = (alert: string) =>
    alerts.filter(({ labels }) => labels.alertname?.replace("[No data] ", "") === alert);
  const who = ({ labels }: Alert) => `${labels.engineer} ${labels["threshold.name"]}`;
  const told = (alert: string) => of(alert).map(who).sort();
  const must = (alert: string) => [...(expected.get(alert)?.keys() ?? [])].sort();
  const pending = () => rules.filter(({ alert }) => `${told(alert)}` !== `${must(alert)}`);
  for (let waited = 0; ; waited += 5) {
    ({ data: alerts } = await signoz.ask("GET", "/api/v1/alerts"));
    if (!pending().some((rule) => waited < patienceSeconds(rule))) break;
    await sleep(5000);
  }
  const differences = pending().map(
    ({ alert }) => `rule ${alert}: tells ${told(alert)} instead of ${must(alert)}`,
  );
  let silenced = 0;
  for (const { alert } of rules)
    for (const notice of of(alert)) {
      const { labels, annotations, status } = notice;
      const usd = expected.get(alert)?.get(who(notice));
      const amount = / spent (\S+) USD /.exec(annotations.summary ?? "")?.[1] ?? "";
      if (
        usd !== undefined &&
        !(/^\d+(\.\d\d?)?$/.test(amount) && Math.abs(Number(amount) - usd) < 0.006)
      )
        differences.push(`rule ${alert}: says "${annotations.summary}" of ${usd}`);
      const critical = must(alert).includes(`${labels.engineer} critical`);
      const silent = status.inhibitedBy.length > 0;
      if (silent) silenced++;
      if (silent !== (critical && labels["threshold.name"] === "warning"))
        differences.push(
          `rule ${alert}: the notice ${who(notice)} is ${silent ? "silenced" : "not silenced"}`,
        );
    }
  const firing = [...expected.values()].filter(({ size }) => size > 0).length;
  return {
    summary: `rules: ${rules.length}, of which ${firing} must fire; ${alerts.length} notices, of which ${silenced} silenced; ${differences.length} different`,
    differences,
  };
}
