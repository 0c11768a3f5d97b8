import { describe, expect, it } from "vitest";
import { renderContent } from "../../infra/signoz/content";
import { type Panel, panelsOf } from "../../scripts/verifyContent/ask";
import { compareGate } from "../../scripts/verifyContent/panels";
import { compareRules } from "../../scripts/verifyContent/rules";
import { Signoz } from "../../scripts/verifyContent/signoz";
import { knownMonth } from "../../simulator/month/month";
import { fullInput } from "../../simulator/signoz/input";
import { SignozImitation } from "../../simulator/signoz/server";

const end = Date.parse("2026-11-25T08:00:00Z");
const month = knownMonth({ endMs: end });
it("logs in again when its session has ended", async () => {
  const user = { email: "admin@example.com", password: "Aa1!example-password" };
  const imitation = await SignozImitation.start(user);
  imitation.sessionRequests = 2;
  const signoz = new Signoz(imitation.url, user);
  await signoz.logIn();
  for (let time = 0; time < 5; time++) await signoz.ask("GET", "/api/v2/rules");
  expect(imitation.logins).toBe(3);
  await imitation.stop();
});

/** A SigNoz that answers everything with one thing. */
const answering = (data: unknown) => ({ ask: async () => ({ data }) }) as unknown as Signoz;

describe("what is found about rules", () => {
  const daily = "Claude Code: daily spend of an engineer";
  const notice = (severity: string, { amount = "7.41", inhibitedBy = [] as string[] } = {}) => ({
    labels: { alertname: daily, "threshold.name": severity, engineer: "o'neill" },
    annotations: { summary: `o'neill spent ${amount} USD today, of a daily budget of 5 USD` },
    status: { inhibitedBy, state: "active" },
  });
  const silent = { inhibitedBy: ["critical"] };
  const right = [notice("critical"), notice("warning", silent)];
  const usd = 7.4068950000000005;
  const point = { name: "claude_code.cost.usage", at: end - 60_000, value: usd, version: "1" };
  const spend = {
    ...month,
    points: [{ ...point, attributes: { engineer: "o'neill", team: "platform" } }],
  };
  const input = { ...fullInput, dailyBudgetUsd: 5 };

  it.each<[string, object[], string[]]>([
    ["nothing where all is told", right, []],
    ["nobody told", [], [`rule ${daily}: tells  instead of o'neill critical,o'neill warning`]],
    [
      "a warning beside its critical notice",
      [notice("critical"), notice("warning")],
      [`rule ${daily}: the notice o'neill warning is not silenced`],
    ],
    [
      "a critical notice that nobody hears",
      [notice("critical", silent), notice("warning", silent)],
      [`rule ${daily}: the notice o'neill critical is silenced`],
    ],
    [
      "another amount",
      [notice("critical", { amount: "7.5" }), notice("warning", silent)],
      [
        `rule ${daily}: says "o'neill spent 7.5 USD today, of a daily budget of 5 USD" of 7.4068950000000005`,
      ],
    ],
    [
      "an amount of more than cents",
      [notice("critical", { amount: "7.4068950000000005" }), notice("warning", silent)],
      [
        `rule ${daily}: says "o'neill spent 7.4068950000000005 USD today, of a daily budget of 5 USD" of 7.4068950000000005`,
      ],
    ],
    [
      "silence although all reported",
      [
        ...right,
        {
          labels: { alertname: "[No data] Claude Code: no telemetry", nodata: "true" },
          annotations: {},
          status: { inhibitedBy: [], state: "active" },
        },
      ],
      ["rule Claude Code: no telemetry: tells undefined undefined instead of "],
    ],
  ])("%s", async (_, alerts, differences) => {
    const found = await compareRules(answering(alerts), spend, input, end, () => 0);
    expect(found.differences).toEqual(differences);
  });
});

describe("what is found about the gate's own panels", () => {
  const panels = renderContent(fullInput).dashboards.flatMap(panelsOf);
  const fed = [month.points.length, month.logs.length, month.spans.length] as const;
  const series = (values: readonly number[]) => ({
    data: {
      results: values.map((value, index) => ({
        queryName: "ABC"[index],
        aggregations: [{ series: [{ labels: [], values: [{ timestamp: 1, value }] }] }],
      })),
    },
  });
  it.each<[string, readonly number[], string, string[]]>([
    ["Stored items", fed, "compared", []],
    [
      "Stored items",
      fed.map((one) => 2 * one),
      "compared",
      [`${fed.map((one) => 2 * one)} items instead of ${fed}`],
    ],
    ["Accepted items", [], "compared", [`0,0,0 items instead of ${fed}`]],
    ["Dropped items", [0, 0, 1], "compared", ["0,0,1 items instead of 0,0,0"]],
    ["Memory", [1], "unknown", []],
  ])("%s of %j", async (title, values, kind, found) => {
    const panel = panels.find((one) => one.title === title) as Panel;
    expect(await compareGate(answering(series(values)), month, panel, 0)).toEqual({ kind, found });
  });
});
