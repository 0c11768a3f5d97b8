import { unknownValue } from "../../../policy/resource";
import { judge } from "../../../policy/rules";
import {
  changesOf,
  type PreviewDigest,
  type PreviewStep,
  type ResourceChange,
  type ResourceState,
} from "./digest";
import { code, fence, htmlCode, plain } from "./markup";
import { differences } from "./values";

/** GitHub refuses a longer comment body. */
const longestComment = 65_536;

export interface SummaryContext {
  stack: string;
  /** The pull request's commit and the run's address, for the footer. */
  commit?: string | undefined;
  runUrl?: string | undefined;
  /** True where the pull request carries the label that permits losing what `guarded` names. */
  allowReplace: boolean;
  /** True where the state itself was previewed, not its published copy with stand-ins for secrets. */
  realState?: boolean | undefined;
}

export interface Summary {
  markdown: string;
  /** Why the change may not go in; empty means it may. */
  blockers: string[];
}

/** What engineers, stored telemetry or delivered settings depend on: losing it is never a side effect. */
function guarded({ type, step, change }: ResourceChange): string | undefined {
  const inputs = step.oldState?.inputs ?? {};
  if (type === "gcp:container/cluster:Cluster" || type === "kubernetes:core/v1:Namespace")
    return "what all gates and ClickHouse run in (their disks stay, and nothing finds them)";
  // One that goes with its gate stays in Google's hands.
  if (type === "kubernetes:core/v1:PersistentVolumeClaim" && change === "replace")
    return "a disk of stored telemetry";
  if (type === "gcp:compute/disk:Disk") return "the data disk (all stored telemetry)";
  if (type === "gcp:compute/address:Address") return "the address that every delivered hook dials";
  if (type === "gcp:secretmanager/secret:Secret")
    if (/-(otlp-endpoint|ingestion-key)-secret-/.test(String(inputs.secretId)))
      return `the secret ${code(String(inputs.secretId))}, a name promised to others`;
  return undefined;
}

/** The id of the secret that a grant is for, where the secret is made by the same change and has no address yet. */
function askedSecret(
  { newState }: PreviewStep,
  byUrn: Map<string, ResourceState | undefined>,
): string | undefined {
  if (newState?.inputs?.secretId !== unknownValue) return undefined;
  const [secret, ...more] = newState.propertyDependencies?.secretId ?? [];
  const { type, inputs } = byUrn.get(secret ?? "") ?? {};
  const asked = type === "gcp:secretmanager/secret:Secret" && !more.length ? inputs?.secretId : "";
  return typeof asked === "string" && asked ? asked : undefined;
}

/** Renders a preview; `blockers` says why it may not go in. */
export function summarize(digest: PreviewDigest, context: SummaryContext): Summary {
  const changes = changesOf(digest);
  const byUrn = new Map(changes.map(({ urn, step }) => [urn, step.newState]));
  // "preview failed" only says that there was another error.
  const errors = (digest.diagnostics ?? []).filter(
    ({ severity, message }, _, { length }) =>
      severity === "error" && (length === 1 || !/^error: preview failed\s*$/.test(message)),
  );
  const losses = changes.flatMap((change) => {
    const what = ["replace", "delete"].includes(change.change) ? guarded(change) : undefined;
    return what ? [`${code(change.name)}: ${change.change}s ${what}`] : [];
  });
  const violations = judge(
    changes
      .filter(({ change }) => change !== "delete")
      .map(({ change, type, name, step }) => ({
        type,
        name,
        inputs: step.newState?.inputs ?? {},
        protect: step.newState?.protect ?? false,
        created: change === "create",
        secretId: askedSecret(step, byUrn),
      })),
  ).map(({ resource, message, rule }) => `${code(resource)} ${code(message)} (rule ${rule})`);
  const blockers = [
    ...errors.map(({ message }) => plain(message.trim())),
    ...violations,
    ...(context.allowReplace ? [] : losses),
  ];
  const markdown = [
    `<!-- pulumi-preview:${context.stack} -->`,
    `### Preview of \`${context.stack}\`: ${headline(changes, errors.length)}`,
    callout("CAUTION", "This must not go in as it is", [
      ...violations,
      ...(context.allowReplace ? [] : losses),
    ]),
    losses.length && !context.allowReplace
      ? "If the loss is meant: back up first (docs/runbook.md), then add the label `allow-replace`."
      : "",
    context.allowReplace
      ? callout("WARNING", "Permitted by the label `allow-replace`", losses)
      : "",
    errors.length ? `**Errors**\n\n${errors.map(({ message }) => fence(message)).join("\n")}` : "",
    table(changes),
    details(changes),
    footer(context, changes),
  ]
    .filter(Boolean)
    .join("\n\n");
  return { markdown: `${cut(markdown, context)}\n`, blockers };
}

const icons = { replace: "🔁", delete: "🗑️", create: "➕", update: "✏️", same: "" };

function headline(changes: ResourceChange[], errors: number): string {
  const counts = Object.keys(icons)
    .map((kind) => [kind, changes.filter(({ change }) => change === kind).length] as const)
    .filter(([kind, count]) => count && kind !== "same")
    .map(([kind, count]) => `${count} to ${kind}`);
  if (errors) counts.unshift("failed");
  return counts.join(", ") || "no changes";
}

function table(changes: ResourceChange[]): string {
  const rows = changes
    .filter(({ change }) => change !== "same")
    .map(({ change, type, name, step }) => {
      const why = change === "replace" ? step.replaceReasons : step.diffReasons;
      return `| ${icons[change]} ${change} | ${code(name)} | ${code(shortType(type))} | ${(why ?? []).map(code).join(", ")} |`;
    });
  return rows.length
    ? ["| | Resource | Type | Because of |", "|---|---|---|---|", ...rows].join("\n")
    : "";
}

function details(changes: ResourceChange[]): string {
  return changes
    .filter(({ change }) => change === "update" || change === "replace")
    .map((change) => ({ change, lines: differences(change) }))
    .filter(({ lines }) => lines.length)
    .map(
      ({ change, lines }) =>
        `<details${change.change === "replace" ? " open" : ""}><summary>${icons[change.change]} ${htmlCode(change.name)}</summary>\n\n` +
        "| Property | Now | Then |\n|---|---|---|\n" +
        lines
          .map(({ path, from, to }) => `| ${code(path)} | ${code(from)} | ${code(to)} |`)
          .join("\n") +
        "\n\n</details>",
    )
    .join("\n\n");
}

function footer({ commit, runUrl, realState }: SummaryContext, changes: ResourceChange[]): string {
  const same = changes.filter(({ change }) => change === "same").length;
  const parts = [`${same} unchanged`, ...(realState ? [] : ["secrets are stand-ins here"])];
  if (commit) parts.push(`commit ${commit.slice(0, 12)}`);
  if (runUrl) parts.push(`[run](${runUrl})`);
  return `<sub>${parts.join(" · ")}</sub>`;
}

function callout(kind: string, title: string, items: string[]): string {
  if (!items.length) return "";
  return [`> [!${kind}]`, `> **${title}**`, ...items.map((item) => `> - ${item}`)].join("\n");
}

function cut(markdown: string, { runUrl }: SummaryContext): string {
  const note = `\n\n… cut at GitHub's limit; the whole is in the ${runUrl ? `[run](${runUrl})` : "run"}.`;
  return markdown.length < longestComment
    ? markdown
    : markdown.slice(0, longestComment - note.length - 1).replace(/\n[^\n]*$/, "") + note;
}

const shortType = (type: string) => type.replace(/\/[^:]*:/, ":");
