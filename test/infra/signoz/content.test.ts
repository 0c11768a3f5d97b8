import { describe, expect, it } from "vitest";
import { renderContent, type SignozContent } from "../../../infra/signoz/content.js";
import { packed } from "../../../infra/vm/metadata.js";
import { bareInput, fullInput, fullSecrets } from "../../../simulator/signoz/input.js";
import * as schema from "../../../simulator/signoz/schema.js";

const full = renderContent(fullInput);
const bare = renderContent(bareInput);

/** As provision.sh does it: the secret in the place of its mark. */
const withSecrets = (content: SignozContent): SignozContent =>
  JSON.parse(JSON.stringify(content), (_, value) =>
    value?.fromSecret ? fullSecrets[value.fromSecret as keyof typeof fullSecrets] : value,
  );

/** Every value of that key, wherever it stands. */
function every(value: unknown, key: string): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name === key ? [inner] : []),
    ...every(inner, key),
  ]);
}

interface Query {
  name: string;
  expression: string;
}

interface Rule {
  alert: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  condition: {
    compositeQuery: {
      queries: {
        type: string;
        spec: Record<string, unknown> & { filter?: { expression: string } };
      }[];
    };
    selectedQueryName: string;
    alertOnAbsent?: boolean;
    thresholds: { spec: { name: string; op: string; target: number; channels: string[] }[] };
  };
  evaluation: { kind: string; spec: Record<string, unknown> };
  notificationSettings: {
    groupBy: string[];
    usePolicy: boolean;
    renotify: { interval: string; alertStates: string[] };
  };
}
const rulesOf = (content: SignozContent) => content.rules as unknown as Rule[];
const rule = (alert: string, content = full): Rule => {
  const found = rulesOf(content).find((rule) => rule.alert === alert);
  if (!found) throw new Error(`no rule ${alert}`);
  return found;
};
const thresholds = (alert: string, content = full) =>
  rule(alert, content).condition.thresholds.spec.map(({ name, op, target }) =>
    [name, op, target].join(" "),
  );

describe("every body is one that SigNoz v0.138.0 takes", () => {
  it.each([
    ["full", withSecrets(full)],
    ["bare", bare],
  ])("%s", (_, content) => {
    const kinds = [
      [content.channels, schema.channel],
      [content.dashboards, schema.dashboard],
      [content.views, schema.view],
      [content.rules, schema.rule],
      [content.quietHours, schema.quietHours],
    ] as const;
    for (const [bodies, check] of kinds)
      for (const body of bodies)
        expect(check(body, (body as { name?: string }).name ?? "rule")).toEqual([]);
  });

  it("says nothing to Alertmanager that is not one of our channels", () => {
    const names = full.channels.map(({ name }) => name);
    expect(names).toEqual(full.channelNames);
    for (const { alert, condition, notificationSettings } of rulesOf(full)) {
      for (const { channels } of condition.thresholds.spec) expect(channels, alert).toEqual(names);
      expect(notificationSettings.usePolicy).toBe(false);
    }
  });

  it("selects in every rule a query that it has, and combines every query it has in a formula", () => {
    for (const { alert, condition } of rulesOf(full)) {
      const queries = condition.compositeQuery.queries;
      expect(
        queries.map(({ spec }) => spec.name),
        alert,
      ).toContain(condition.selectedQueryName);
      const formula = queries.find(({ type }) => type === "builder_formula");
      if (formula)
        expect((formula.spec.expression as string).match(/[A-Z]/g)).toEqual(
          queries.filter(({ type }) => type === "builder_query").map(({ spec }) => spec.name),
        );
    }
  });

  it("combines in the formula of a panel only queries that the panel has", () => {
    const composites = every(full.dashboards, "queries") as { type: string; spec: Query }[][];
    const formulas = composites.flatMap((queries) => {
      const formula = queries.find(({ type }) => type === "builder_formula")?.spec;
      const names = queries.flatMap(({ type, spec }) =>
        type === "builder_query" ? spec.name : [],
      );
      return formula ? [{ expression: formula.expression, names }] : [];
    });
    expect(formulas.length).toBeGreaterThan(5);
    for (const { expression, names } of formulas)
      expect(new Set(expression.match(/[A-Z]/g)), expression).toEqual(new Set(names));
  });

  it("names every dashboard that a notice links to", () => {
    const names = full.dashboards.map(({ name }) => name);
    for (const { alert, annotations } of rulesOf(full)) {
      const linked = /http:\/\/localhost:8080\/dashboard\/@([a-z0-9-]+)@/.exec(
        annotations.description ?? "",
      )?.[1];
      expect(names, alert).toContain(linked);
    }
  });

  it("marks every object as ours", () => {
    for (const dashboard of full.dashboards as { tags?: unknown }[])
      expect(dashboard.tags).toEqual([{ key: "managed-by", value: "monitoring" }]);
    for (const { labels } of rulesOf(full)) expect(labels.managed_by).toBe("monitoring");
    for (const { name } of full.views) expect(name).toMatch(/^managed-by-monitoring-/);
    for (const schedule of full.quietHours as { description?: string }[])
      expect(schedule.description).toBe("managed by monitoring");
  });
});

const sqlOf = (alert: string, content = full) =>
  rule(alert, content).condition.compositeQuery.queries[0]?.spec.query as string;

describe("spend", () => {
  const daily = "Claude Code: daily spend of an engineer";

  it("warns at 80 % and alarms at 100 % of the budget, per engineer", () => {
    expect(thresholds(daily)).toEqual(["critical above_or_equal 50", "warning above_or_equal 40"]);
    expect(thresholds("Claude Code: monthly spend of an engineer")).toEqual([
      "critical above_or_equal 500",
      "warning above_or_equal 400",
    ]);
    expect(sqlOf(daily)).toContain("GROUP BY engineer");
    expect(sqlOf(daily)).toContain("metric_name = 'claude_code.cost.usage'");
    expect(rule(daily).notificationSettings.groupBy).toEqual(["engineer"]);
  });

  it("counts from midnight and from the first of the month, in the configured zone", () => {
    expect(rule(daily).evaluation).toEqual({
      kind: "cumulative",
      spec: {
        schedule: { type: "daily", hour: 0, minute: 0 },
        frequency: "5m",
        timezone: "Europe/Berlin",
      },
    });
    expect(rule("Claude Code: monthly spend of an engineer").evaluation.spec.schedule).toEqual({
      type: "monthly",
      day: 1,
      hour: 0,
      minute: 0,
    });
  });

  it("holds a team to its own budget, and nobody to two", () => {
    expect(thresholds(`${daily} (research)`)).toEqual([
      "critical above_or_equal 120",
      "warning above_or_equal 96",
    ]);
    expect(sqlOf(`${daily} (research)`)).toContain("WHERE team = 'research')");
    expect(sqlOf(daily)).toContain("WHERE NOT has(['research'], team))");
  });

  it("sums from midnight and from the first on, whole, and nothing before", () => {
    expect(sqlOf(daily)).toContain(
      "unix_milli >= toUnixTimestamp(toStartOfDay(toDateTime({{.end_timestamp}}), 'Europe/Berlin')) * 1000 AND unix_milli < toUnixTimestamp(toDateTime({{.end_timestamp}})) * 1000",
    );
    expect(sqlOf("Claude Code: monthly spend of an engineer")).toContain(
      "unix_milli >= toUnixTimestamp(toDateTime(toStartOfMonth(toDateTime({{.end_timestamp}}), 'Europe/Berlin'), 'Europe/Berlin')) * 1000",
    );
  });

  it("leaves claims under a shared key out where that is asked for", () => {
    expect(sqlOf(daily)).not.toContain("AND verified = 'true'");
    const proven = renderContent({ ...fullInput, budgetsVerifiedOnly: true });
    expect(sqlOf(daily, proven)).toContain("AND verified = 'true'");
    expect(rule(daily, proven).annotations.description).toContain("shared key is left out");
  });

  it("says who, how much and of what", () => {
    const { summary, description } = rule(`${daily} (research)`).annotations;
    expect(summary).toBe("{{$engineer}} spent {{$value}} USD today, of a daily budget of 120 USD");
    // SigNoz writes all digits of a value.
    for (const alert of rulesOf(full).map(({ alert }) => alert))
      if (alert.includes("spend"))
        expect(sqlOf(alert), alert).toContain("round(sum(usd), 2) AS value");
    expect(description).toContain("{{$threshold}}");
    expect(description).toContain("team research");
    expect(description).toContain("estimate at list prices");
  });

  it("writes no amount with a dollar sign: SigNoz would read a label", () => {
    for (const { annotations } of rulesOf(full))
      expect(
        Object.values(annotations)
          .join()
          .replace(/\{\{.*?\}\}/g, ""),
      ).not.toContain("$");
  });

  it("leaves an alert out at 0, team by team", () => {
    const alerts = rulesOf(
      renderContent({
        ...fullInput,
        dailyBudgetUsd: 0,
        teamBudgets: [{ team: "research", dailyUsd: 10, monthlyUsd: 0 }],
      }),
    ).map(({ alert }) => alert);
    expect(alerts.filter((alert) => alert.includes("spend"))).toEqual([
      "Claude Code: monthly spend of an engineer",
      "Claude Code: daily spend of an engineer (research)",
    ]);
    expect(rulesOf(bare).map(({ alert }) => alert)).toEqual(["Gate: telemetry is lost"]);
  });
});

describe("the data disk", () => {
  it("stays full until something tells otherwise: nothing does while the gate is closed", () => {
    // A test on the real store asks it (test/real/store.test.ts).
    expect(sqlOf("Storage: the data disk fills")).toContain("argMax(value, unix_milli)");
  });
});

describe("silence", () => {
  it("fires when nothing came for the hours of the configuration", () => {
    const { condition, evaluation, notificationSettings, labels } = rule(
      "Claude Code: no telemetry",
    );
    expect(condition).toMatchObject({ alertOnAbsent: true, absentFor: 1 });
    expect(evaluation).toMatchObject({ kind: "rolling", spec: { evalWindow: "4h" } });
    expect(notificationSettings.renotify.alertStates).toEqual(["firing", "nodata"]);
    expect(labels.during).toBe("working_hours");
    const summary = (silentHours: number) =>
      rule("Claude Code: no telemetry", renderContent({ ...fullInput, silentHours })).annotations
        .summary;
    expect(summary(1)).toBe("Nobody has reported for an hour of working time");
    expect(summary(4)).toBe("Nobody has reported for 4 hours of working time");
  });

  it("keeps quiet from the end of a working day until the hours are over in the next", () => {
    // 18:00 to 09:00 are 15 hours, and 4 more; from Friday two days more.
    expect(full.quietHours).toMatchObject([
      {
        schedule: {
          startTime: "2026-01-05T18:00:00+01:00",
          recurrence: {
            duration: "19h0m0s",
            repeatOn: ["monday", "tuesday", "wednesday", "thursday"],
          },
        },
      },
      { schedule: { recurrence: { duration: "67h0m0s", repeatOn: ["friday"] } } },
    ]);
    for (const { scope } of full.quietHours as { name: string; scope?: string }[])
      expect(scope).toBe('managed_by == "monitoring" && during == "working_hours"');
  });

  it.each([
    ["UTC", "2026-01-05T18:00:00+00:00"],
    ["America/New_York", "2026-01-05T18:00:00-05:00"],
    ["Asia/Kolkata", "2026-01-05T18:00:00+05:30"],
  ])("knows the offset of %s", (timezone, startTime) => {
    expect(renderContent({ ...fullInput, timezone }).quietHours).toMatchObject([
      { schedule: { timezone, startTime } },
      {},
    ]);
  });

  it("covers a week with one working day, and a week without any pause", () => {
    const pauses = (workingDays: string[]) =>
      renderContent({ ...fullInput, workingDays }).quietHours.map(
        (schedule) =>
          (schedule as never as { schedule: { recurrence: object } }).schedule.recurrence,
      );
    expect(pauses(["wednesday"])).toMatchObject([
      { duration: "163h0m0s", repeatOn: ["wednesday"] },
    ]);
    expect(
      pauses(["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]),
    ).toMatchObject([{ duration: "19h0m0s" }]);
  });

  it("has no schedule where the alert is off", () => {
    expect(bare.quietHours).toEqual([]);
  });
});

describe("as instance metadata", () => {
  const contentMetadata = (content: SignozContent, limitBytes?: number) =>
    packed(JSON.stringify(content), "The SigNoz content", limitBytes);

  it("is the same bytes for the same input, and holds no secret", () => {
    const text = contentMetadata(full);
    expect(contentMetadata(renderContent(structuredClone(fullInput)))).toBe(text);
    expect(text).toContain('{"fromSecret":"slackWebhookUrl"}');
  });

  it("stays well below what a metadata value holds, and packed far below", () => {
    expect(contentMetadata(full).length).toBeLessThan(192 * 1024);
    expect(contentMetadata(full, 100 * 1024).length).toBeLessThan(32 * 1024);
  });

  it("is packed when it does not fit, and refused with both sizes when even that does not", () => {
    expect(contentMetadata(full, 100 * 1024)).toMatch(/^H4sI[A-Za-z0-9+/=]+$/);
    expect(() => contentMetadata(full, 2000)).toThrow(
      /^The SigNoz content is \d+ bytes, \d+ packed; a metadata value holds 2000: shorten teamBudgets/,
    );
  });

  it("takes a thousand teams", () => {
    const teamBudgets = Array.from({ length: 1000 }, (_, index) => ({
      team: `team-${index}`,
      dailyUsd: 10,
      monthlyUsd: 100,
    }));
    expect(contentMetadata(renderContent({ ...fullInput, teamBudgets })).length).toBeLessThan(
      256 * 1024,
    );
  });
});
