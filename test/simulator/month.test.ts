import { describe, expect, it } from "vitest";
import { renderContent } from "../../infra/signoz/content.js";
import { panelsOf } from "../../scripts/verifyContent/ask.js";
import { truth } from "../../scripts/verifyContent/truth.js";
import { day, knownMonth, people } from "../../simulator/month/month.js";
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
