import type { SignozContent } from "../../../infra/signoz/content.js";

export interface Field {
  name: string;
  fieldContext?: string;
}

export interface BuilderSpec {
  signal: "metrics" | "logs" | "traces";
  source: "";
  aggregations?: { metricName?: string; timeAggregation?: string; expression?: string }[];
  filter?: { expression: string };
  groupBy?: Field[];
  order?: { key: Field }[];
  /** Of the list that shows the records. */
  columns: readonly Field[];
}

/** Every builder query of the content with the title of what it is in. */
export function builderQueries(
  value: SignozContent | unknown,
  where = "",
  shown: Field[] = [],
): [string, BuilderSpec][] {
  if (typeof value !== "object" || value === null) return [];
  const inner = value as {
    signal?: string;
    display?: { name?: string };
    alert?: string;
    displayName?: string;
    plugin?: { spec: { selectFields?: Field[] } };
    selectedFields?: Field[];
  };
  const here = inner.display?.name ?? inner.alert ?? inner.displayName ?? where;
  const columns = inner.plugin?.spec.selectFields ?? inner.selectedFields ?? shown;
  if (inner.signal && "source" in value)
    return [[here, { ...(value as object as BuilderSpec), columns }]];
  return Object.values(value).flatMap((part) => builderQueries(part, here, columns));
}
