/** A dashboard: sections of panels, laid out left to right; its JSON is a SigNoz v6 dashboard (API v0.138.0). */
import { nameOf, type Panel, renderPanel, size, type Variable } from "./panel";

export interface Dashboard {
  /** Slug, immutable in SigNoz: a changed one is another dashboard. */
  name: string;
  title: string;
  description: string;
  variables: Variable[];
  sections: Record<string, Panel[]>;
}

/** By this tag, and by nothing else, provisioning knows its own dashboards. */
export const ownTag = { key: "managed-by", value: "monitoring" };

const columns = 12;

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

function grid(title: string, panels: Panel[]): object {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  const items = panels.map((panel) => {
    const [width, height] = size[panel.kind];
    if (x + width > columns) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    const item = { x, y, width, height, content: { $ref: `#/spec/panels/${slug(panel.title)}` } };
    x += width;
    rowHeight = Math.max(rowHeight, height);
    return item;
  });
  return { kind: "Grid", spec: { display: { title, collapse: { open: true } }, items } };
}

const renderVariable = (variable: Variable): object => ({
  kind: "ListVariable",
  spec: {
    name: nameOf(variable),
    display: { name: nameOf(variable) },
    allowAllValue: !variable.single,
    allowMultiple: !variable.single,
    sort: "alphabetical-asc",
    plugin: {
      kind: "signoz/DynamicVariable",
      spec: { name: variable.attribute, signal: "metrics" },
    },
  },
});

/** @throws Error when two panels share a title: the second would silently replace the first */
export function renderDashboard(dashboard: Dashboard): Record<string, unknown> & { name: string } {
  const panels: Record<string, object> = {};
  for (const panel of Object.values(dashboard.sections).flat()) {
    const id = slug(panel.title);
    if (panels[id]) throw new Error(`${dashboard.name}: two panels are titled "${panel.title}"`);
    panels[id] = renderPanel(panel, dashboard.variables);
  }
  return {
    schemaVersion: "v6",
    name: dashboard.name,
    tags: [ownTag],
    spec: {
      display: { name: dashboard.title, description: dashboard.description },
      variables: dashboard.variables.map(renderVariable),
      panels,
      layouts: Object.entries(dashboard.sections).map(([title, panels]) => grid(title, panels)),
    },
  };
}
