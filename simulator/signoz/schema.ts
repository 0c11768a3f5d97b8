/**
 * What SigNoz v0.138.0 takes, distilled from its API description (docs/api/openapi.yml of that tag) to the
 * kinds of body this project sends, with the rules its server adds to the description: strict fields, names
 * as DNS labels, one query a panel, which query a panel may hold, references that resolve.
 */
import { textsOf } from "../texts.js";
import {
  all,
  any,
  array,
  boolean,
  by,
  type Check,
  matching,
  number,
  object,
  oneOf,
  record,
  string,
} from "./check.js";
import { display, panel, plugin } from "./schema/panel.js";
import { dnsLabel, duration, envelope, fieldKey } from "./schema/query.js";

// --- Dashboards (Dashboardtypes…) ---

const variable = object({
  kind: oneOf("ListVariable"),
  spec: all(
    object(
      { display, name: matching(/./) },
      {
        allowAllValue: boolean,
        allowMultiple: boolean,
        sort: oneOf("none", "alphabetical-asc", "alphabetical-desc"),
        plugin: by("kind", {
          "signoz/DynamicVariable": plugin(
            object({ name: matching(/./), signal: oneOf("traces", "logs", "metrics", "all") }),
          ),
        }),
      },
    ),
    (value, path) => {
      const { allowAllValue, allowMultiple } = value as Record<string, boolean>;
      return allowAllValue && !allowMultiple ? [`${path}: allowAllValue needs allowMultiple`] : [];
    },
  ),
});

const layout = object({
  kind: oneOf("Grid"),
  spec: object({
    display: object({ title: matching(/^.{0,256}$/) }, { collapse: object({ open: boolean }) }),
    items: array(
      object({
        x: number,
        y: number,
        width: number,
        height: number,
        content: object({ $ref: matching(/^#\/spec\/panels\/[a-z0-9-]+$/) }),
      }),
    ),
  }),
});

interface DashboardBody {
  spec: {
    variables: { spec: { name: string } }[];
    panels: Record<string, unknown>;
    layouts: {
      spec: {
        items: { x: number; y: number; width: number; height: number; content: { $ref: string } }[];
      };
    }[];
  };
}

/** Every panel placed once, none over another or off the grid, every `$variable` declared. */
const references: Check = (value, path) => {
  const { variables, panels, layouts } = (value as DashboardBody).spec;
  const errors: string[] = [];
  const placed = new Set<string>();
  for (const { spec } of layouts) {
    const taken = new Set<string>();
    for (const { x, y, width, height, content } of spec.items) {
      const id = content.$ref.replace("#/spec/panels/", "");
      if (!panels[id]) errors.push(`${path}: the layout places ${id}, which is no panel`);
      if (placed.has(id)) errors.push(`${path}: ${id} is placed twice`);
      placed.add(id);
      if (x + width > 12) errors.push(`${path}: ${id} leaves the grid`);
      for (let column = x; column < x + width; column++)
        for (let row = y; row < y + height; row++) {
          if (taken.has(`${column},${row}`)) errors.push(`${path}: ${id} covers another panel`);
          taken.add(`${column},${row}`);
        }
    }
  }
  for (const id of Object.keys(panels))
    if (!placed.has(id)) errors.push(`${path}: panel ${id} is placed nowhere`);
  const declared = variables.map(({ spec }) => spec.name);
  const used = textsOf(panels).flatMap((text) => text.match(/(?<=\$)[a-z_]+/g) ?? []);
  for (const name of new Set(used))
    if (!declared.includes(name)) errors.push(`${path}: $${name} is no variable of the dashboard`);
  return errors;
};

const tags = array(
  object({
    key: matching(/^(?!(name|description|created_at|updated_at|created_by|locked|source)$)./),
    value: matching(/./),
  }),
  { max: 10 },
);

export const dashboard = all(
  object(
    {
      schemaVersion: oneOf("v6"),
      name: dnsLabel,
      tags,
      spec: object(
        { display, variables: array(variable), panels: record(panel), layouts: array(layout) },
        { duration, refreshInterval: duration, links: array(any) },
      ),
    },
    { image: string },
  ),
  references,
);

// --- Rules (Ruletypes…) ---

const ruleThreshold = object(
  {
    name: matching(/./),
    op: oneOf("above", "below", "equal", "not_equal", "above_or_equal", "below_or_equal"),
    matchType: oneOf("at_least_once", "all_the_times", "on_average", "in_total", "last"),
    target: number,
  },
  { targetUnit: string, recoveryTarget: number, channels: array(string) },
);
const evaluation = by("kind", {
  rolling: object({ kind: string, spec: object({ evalWindow: duration, frequency: duration }) }),
  cumulative: object({
    kind: string,
    spec: object({
      frequency: duration,
      timezone: matching(/./),
      schedule: by("type", {
        daily: object({ type: string, hour: number, minute: number }),
        monthly: object({ type: string, day: number, hour: number, minute: number }),
      }),
    }),
  }),
});

/** `absentFor` of 0 tells absence whether or not there is data (base_rule.go of v0.138.0). */
const absence: Check = (value, path) => {
  const { alertOnAbsent, absentFor } = value as { alertOnAbsent?: boolean; absentFor?: number };
  return alertOnAbsent && !absentFor ? [`${path}: alertOnAbsent needs absentFor above 0`] : [];
};

export const rule = object(
  {
    alert: matching(/./),
    alertType: oneOf("METRIC_BASED_ALERT", "LOGS_BASED_ALERT", "TRACES_BASED_ALERT"),
    ruleType: oneOf("threshold_rule"),
    version: oneOf("v5"),
    schemaVersion: oneOf("v2alpha1"),
    condition: all(
      absence,
      object(
        {
          compositeQuery: object(
            {
              queryType: oneOf("builder", "clickhouse_sql"),
              panelType: oneOf("graph"),
              queries: array(envelope, { min: 1 }),
            },
            { unit: string },
          ),
          thresholds: object({ kind: oneOf("basic"), spec: array(ruleThreshold, { min: 1 }) }),
        },
        { selectedQueryName: string, alertOnAbsent: boolean, absentFor: number },
      ),
    ),
    evaluation,
    notificationSettings: object(
      {},
      {
        groupBy: array(string),
        renotify: object(
          { enabled: boolean },
          { interval: duration, alertStates: array(oneOf("firing", "nodata")) },
        ),
        usePolicy: boolean,
      },
    ),
  },
  {
    description: string,
    disabled: boolean,
    labels: record(string),
    annotations: record(string),
  },
);

// --- Channels: an Alertmanager receiver (Config…) ---

const secretUrl = matching(/^https?:\/\//);
export const channel = object(
  { name: matching(/./) },
  {
    email_configs: array(
      object(
        { to: matching(/@/) },
        { send_resolved: boolean, html: string, headers: record(string) },
      ),
    ),
    slack_configs: array(
      object(
        { api_url: secretUrl },
        { channel: string, title: string, text: string, send_resolved: boolean },
      ),
    ),
    webhook_configs: array(
      object(
        { url: secretUrl },
        {
          send_resolved: boolean,
          http_config: object(
            {},
            { authorization: object({ credentials: matching(/./) }, { type: string }) },
          ),
        },
      ),
    ),
  },
);

// --- Saved views (Savedviewtypes…) and downtime schedules (AlertmanagertypesPostablePlannedMaintenance) ---

const viewFields = {
  schemaVersion: oneOf("v2"),
  source: oneOf("traces", "logs", "metrics", "meter"),
  spec: object(
    {
      displayName: matching(/./),
      panelType: oneOf("value", "graph", "table", "list", "trace"),
      requestType: oneOf("raw", "scalar", "time_series"),
      queries: array(envelope, { min: 1 }),
    },
    { selectedFields: array(fieldKey) },
  ),
};
export const view = object({ ...viewFields, name: dnsLabel });
/** A view's name is part of its address: in the body of an update it is an unknown field. */
export const viewUpdate = object(viewFields);

export const quietHours = object(
  {
    name: matching(/./),
    schedule: object(
      {
        timezone: matching(/./),
        startTime: matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/),
      },
      {
        endTime: string,
        recurrence: object(
          { duration, repeatType: oneOf("daily", "weekly", "monthly") },
          {
            repeatOn: array(
              oneOf(
                ...["monday", "tuesday", "wednesday", "thursday"],
                ...["friday", "saturday", "sunday"],
              ),
            ),
          },
        ),
      },
    ),
  },
  { description: string, alertIds: array(string), scope: string },
);
