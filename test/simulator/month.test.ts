import { describe, expect, it } from "vitest";
import { renderContent } from "../../infra/signoz/content.js";
import { type Panel, panelsOf } from "../../scripts/verifyContent/ask.js";
import { truth } from "../../scripts/verifyContent/truth.js";
import { day, knownMonth, type Point, people, unproven } from "../../simulator/month/month.js";
import { batches } from "../../simulator/month/send.js";
import { fullInput } from "../../simulator/signoz/input.js";

const end = Date.parse("2026-11-25T08:00:00Z");
const month = knownMonth({ endMs: end });

describe("the known month", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(knownMonth({ endMs: end })).toEqual(month);
    expect(knownMonth({ endMs: end, seed: 2 })).not.toEqual(month);
  });

  it("has everybody, and nothing after its end", () => {
    const seen = new Set(month.points.map(({ attributes }) => attributes.engineer));
    expect([...seen].sort()).toEqual(people.map(({ engineer }) => engineer).sort());
    for (const { at } of [...month.points, ...month.logs, ...month.spans])
      expect(at).toBeLessThan(end);
  });

  it("under a shared key proves nobody, and nobody's name looks like an address", () => {
    const { points, logs, spans } = unproven(month);
    const all = [...points, ...logs, ...spans];
    expect(all.filter(({ owner }) => owner !== undefined)).toEqual([]);
    expect(all.filter(({ attributes }) => `${attributes.engineer}`.includes("@"))).toEqual([]);
    expect(points[0]?.attributes.engineer).toBe("ada_at_corp.example");
  });

  it("goes out whole, each request with one owner's records", () => {
    const sent = batches(month);
    const count = (signal: string) =>
      sent.filter((one) => one.signal === signal).reduce((sum, { records }) => sum + records, 0);
    expect([count("metrics"), count("logs"), count("traces")]).toEqual([
      month.points.length,
      month.logs.length,
      month.spans.length,
    ]);
    for (const { bytes } of sent) expect(bytes.length).toBeGreaterThan(100);
  });
});

describe("the truth about a panel", () => {
  const [overview] = renderContent(fullInput).dashboards;
  const panel = (title: string) => {
    const found = panelsOf(overview).find((one) => one.title === title);
    if (!found) throw new Error(`no panel ${title}`);
    return found;
  };
  const range = { start: end - 7 * day, end };
  const ask = (title: string, team = "__all__") =>
    truth(month, panel(title), range, { team: { type: "dynamic", value: team } }, {});

  it("groups by an attribute, whatever columns a store has", () => {
    expect(Object.keys(ask("Tokens by type").A ?? {}).sort()).toEqual([
      "cacheCreation",
      "cacheRead",
      "input",
      "output",
    ]);
  });

  it("counts the records of a list", () => {
    const errors = month.logs.filter(
      ({ name, at }) => name === "claude_code.api_error" && at >= range.start,
    );
    const list = renderContent(fullInput)
      .dashboards.flatMap(panelsOf)
      .find(({ title }) => title === "Newest API errors");
    const times = Object.values(truth(month, list as Panel, range, {}, {}).A?.[""] ?? {});
    expect(times.reduce((sum, count) => sum + count, 0)).toBe(errors.length);
  });

  it.each([
    ["a week's bars of 130 minutes, from sums of half an hour", 7 * day, 7800, "07:21", "05:10"],
    ["a week's lines of 30 minutes", 7 * day, 1800, "07:11", "07:00"],
    ["a day's bars of 20 minutes, from the points", day, 1200, "07:41", "07:40"],
  ])("puts a point where SigNoz does: %s", (_, length, step, sent, shown) => {
    const time = (of: string) => Date.parse(`2026-11-25T${of}:00Z`);
    const [point] = month.points.filter(({ name }) => name === "claude_code.session.count");
    const only = { points: [{ ...(point as Point), at: time(sent) }], logs: [], spans: [] };
    const of = { start: end - length, end };
    const asked = truth(only, panel("Sessions by team"), of, {}, { A: step });
    expect(asked.A).toEqual({ platform: { [time(shown)]: 1 } });
  });

  it("limits by any text, and combines what a formula names", () => {
    const inTeam = month.points.filter(
      ({ name, at, attributes }) =>
        name === "claude_code.session.count" && at >= range.start && attributes.team === "r&d",
    );
    expect(ask("Sessions", "r&d").A?.[""]?.[0]).toBe(inTeam.length);
    const share = ask("Cache share by engineer").F1 ?? {};
    expect(share["ada@corp.example"]?.[0]).toBeGreaterThan(share["grace@corp.example"]?.[0] ?? 0);
  });
});
