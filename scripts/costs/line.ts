import type { Settings } from "../../infra/config/settings";
import { about, scarcest } from "./capacity";
import { type MonthlyUsd, monthlyUsd, sumUsd } from "./monthly";
import { type Plan, planOf } from "./plan";
import { oldestRead } from "./prices";

/** @returns one line: how many engineers the stack carries, what ends first, and what a month with all of them costs */
export function costLine(settings: Settings): string {
  const plan = planOf(settings);
  const { by, engineers } = scarcest(plan);
  const carries = `carries ${about(engineers)} engineers at work at once (extrapolated worst case: a model call each every 5 s), limited by the ${by}`;
  const content = settings.gate.keepContent
    ? "; content that keepContent lets through not counted"
    : "";
  return `${carries}; ${cost(plan, monthlyUsd(plan, engineers))}${content}`;
}

function cost({ backend, machineType }: Plan, parts: MonthlyUsd): string {
  const unknown = "what it costs a month is not known, without a list price";
  if (parts.machine === undefined) return `${unknown} for ${machineType}`;
  const sum = sumUsd(parts);
  if (sum === undefined) return `${unknown} of SigNoz Cloud for so long a retention`;
  const ofCloud = backend === "cloud" ? `, ${parts.cloud?.toFixed(2)} of it SigNoz Cloud's` : "";
  return `costs ${sum.toFixed(2)} USD a month with all of them${ofCloud}, by list prices of ${oldestRead()}`;
}
