import { renderContent } from "../../infra/signoz/content";
import type { ContentInput } from "../../infra/signoz/contentInput";
import { day, type Month } from "../../simulator/month/month";
import { ask, type Panel } from "./ask";
import { differencesOf, type Part } from "./compare";
import type { Signoz } from "./signoz";
import { truth } from "./truth";

export async function compareViews(
  signoz: Signoz,
  month: Month,
  input: ContentInput,
  end: number,
): Promise<Part> {
  const differences: string[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: a view's JSON
  const views = renderContent(input).views as any[];
  for (const { spec } of views) {
    const panel: Panel = {
      title: spec.displayName,
      kind: "view",
      request: spec.requestType,
      queries: spec.queries,
    };
    const range = { start: end - 7 * day, end };
    try {
      const { answer, rows, steps } = await ask(signoz, panel, range, {});
      if (panel.title.startsWith("Gate")) continue;
      const expected = truth(month, panel, range, {}, steps);
      if (panel.request === "raw") {
        const count = Object.values(expected.A?.[""] ?? {}).reduce((sum, one) => sum + one, 0);
        const wanted = Math.min(count, spec.queries[0].spec.limit);
        if (rows.length !== wanted)
          differences.push(`view ${panel.title}: ${rows.length} records instead of ${wanted}`);
      } else
        for (const found of differencesOf(answer, expected))
          differences.push(`view ${panel.title}: ${found}`);
    } catch (error) {
      differences.push(`view ${panel.title}: ${(error as Error).message}`);
    }
  }
  return {
    summary: `views: ${views.length} asked, ${differences.length} different`,
    differences,
  };
}
