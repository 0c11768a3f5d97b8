import { isDeepStrictEqual } from "node:util";
import { findNodeAtLocation, type JSONPath, type Node, parseTree } from "jsonc-parser";

/**
 * A settings.json with the hook of `fragment` registered exactly once; every other byte as it was (order, spellings,
 * line ends, keys that stand twice).
 * @param existing text of the file, "" when there is none; read as latin1 it may hold bytes that are not UTF-8
 * @param fragment JSON text of the stack output claudeSettings
 * @throws when `existing` is not a JSON object, or names the place of the hook twice or in another shape
 */
export function mergeClaudeSettings(existing: string, fragment: string): string {
  const [mark = ""] = /^(\uFEFF|\u00EF\u00BB\u00BF)?/.exec(existing) ?? [];
  let text = existing.slice(mark.length);
  if (text.trim() === "") text = "{}\n";
  refuseUnfit(text);
  const [ours] = JSON.parse(fragment).hooks.SessionStart;
  const groups = sessionStart(text);
  const current = groups.map((group) => isDeepStrictEqual(group, ours)).lastIndexOf(true);
  for (let index = groups.length - 1; index >= 0; index--) {
    if (index === current) continue;
    const group = groups[index] as Group;
    const stale = (group.hooks ?? []).flatMap((hook, at) => (isOurs(hook) ? [at] : []));
    if (isOurs(group) || (stale.length > 0 && stale.length === group.hooks?.length))
      text = without(text, ["hooks", "SessionStart", index]);
    else
      for (const at of stale.reverse())
        text = without(text, ["hooks", "SessionStart", index, "hooks", at]);
  }
  return mark + (current < 0 ? withGroup(text, ours) : text);
}

interface Command {
  command?: unknown;
}

/** An entry of hooks.SessionStart; both shapes occur, with the inner `hooks` and without. */
type Group = Command & { hooks?: Command[] };

function isOurs({ command }: Command): boolean {
  return typeof command === "string" && command.includes("telemetry-hook.sh");
}

const sessionStart = (text: string): Group[] => JSON.parse(text).hooks?.SessionStart ?? [];

/** Takes an entry of a list out, with the comma that it needs no more. */
function without(text: string, path: JSONPath): string {
  const entry = findNodeAtLocation(parseTree(text) as Node, path) as Node;
  const entries = entry.parent?.children ?? [];
  const at = entries.indexOf(entry);
  const [before, after] = [entries[at - 1], entries[at + 1]];
  const end = entry.offset + entry.length;
  const [from, to] = before
    ? [before.offset + before.length, end]
    : [entry.offset, after ? after.offset : end];
  return text.slice(0, from) + text.slice(to);
}

/** Appends a group to hooks.SessionStart, in the layout that the place around it has. */
function withGroup(text: string, group: unknown): string {
  const root = parseTree(text) as Node;
  const list = findNodeAtLocation(root, ["hooks", "SessionStart"]);
  if (list) return append(text, list, "", group);
  const hooks = findNodeAtLocation(root, ["hooks"]);
  if (hooks) return append(text, hooks, '"SessionStart": ', [group]);
  return append(text, root, '"hooks": ', { SessionStart: [group] });
}

function append(text: string, container: Node, name: string, value: unknown): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const unit = /\n([ \t]+)/.exec(text)?.[1] ?? "  ";
  const [first] = container.children ?? [];
  const last = container.children?.at(-1);
  const isRoot = container.parent === undefined;
  const lead = first ? text.slice(container.offset + 1, first.offset) : isRoot ? eol + unit : "";
  const indent = /\n([ \t]*)$/.exec(lead)?.[1];
  const json =
    indent === undefined
      ? JSON.stringify(value)
      : JSON.stringify(value, null, unit).replaceAll("\n", eol + indent);
  const gap = indent === undefined ? " " : eol + indent;
  const [from, to, piece] = last
    ? [last.offset + last.length, last.offset + last.length, `,${gap}${name}${json}`]
    : [
        container.offset + 1,
        container.offset + container.length - 1,
        `${lead}${name}${json}${indent === undefined ? "" : eol}`,
      ];
  return text.slice(0, from) + piece + text.slice(to);
}

function refuseUnfit(text: string): void {
  let settings: { hooks?: { SessionStart?: unknown } | null };
  try {
    settings = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `settings.json is not valid JSON, comments included (${(error as Error).message}): mend it first`,
    );
  }
  if (!isObject(settings)) {
    throw new Error(
      `settings.json is not a JSON object: it begins with ${text.trim().slice(0, 20)}`,
    );
  }
  const { hooks: own = {} } = settings;
  if (!isObject(own)) {
    throw new Error(
      `hooks of settings.json is not an object: it is ${JSON.stringify(own)}; mend it by hand first`,
    );
  }
  const { SessionStart: groups = [] } = own;
  if (!Array.isArray(groups)) {
    throw new Error("hooks.SessionStart of settings.json is not a list: mend it by hand first");
  }
  const entries = groups.flatMap((group) => [group, ...(group?.hooks ?? [])]);
  const odd = entries.findIndex((entry) => !isObject(entry));
  if (odd >= 0) {
    throw new Error(
      `hooks.SessionStart of settings.json holds ${JSON.stringify(entries[odd])}, which is no object: mend it by hand first`,
    );
  }
  const root = parseTree(text);
  const hooks = members(root, "hooks");
  if (hooks.length > 1) throw new Error('settings.json names "hooks" twice: mend it by hand first');
  if (members(hooks[0], "SessionStart").length > 1)
    throw new Error('settings.json names "SessionStart" twice: mend it by hand first');
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The values of every member of an object that has this name: JSON.parse would show the last one only. */
function members(object: Node | undefined, name: string): (Node | undefined)[] {
  return (object?.children ?? [])
    .filter(({ children }) => children?.[0]?.value === name)
    .map(({ children }) => children?.[1]);
}
