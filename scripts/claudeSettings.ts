/**
 * A settings.json with the hook of `fragment` registered exactly once; everything else as it was, in the
 * same indentation.
 * @param existing text of the file, "" when there is none
 * @param fragment JSON text of the stack output claudeSettings
 * @throws when `existing` is not a JSON object that can be written back without loss
 */
export function mergeClaudeSettings(existing: string, fragment: string): string {
  const settings = parseSettings(existing);
  const sessionStart = settings.hooks?.SessionStart ?? [];
  if (!Array.isArray(sessionStart)) {
    throw new Error("hooks.SessionStart of settings.json is not a list: mend it by hand first");
  }
  const others = sessionStart.map(withoutHook).filter((group) => group !== undefined);
  const ours = JSON.parse(fragment).hooks.SessionStart;
  const merged = {
    ...settings,
    hooks: { ...settings.hooks, SessionStart: [...others, ...ours] },
  };
  if (JSON.stringify(merged) === JSON.stringify(settings)) return existing;
  const indent = /^[[{]\s*\n([ \t]+)/.exec(existing)?.[1] ?? 2;
  return `${JSON.stringify(merged, null, indent)}\n`;
}

interface Command {
  command?: unknown;
}

interface Settings {
  hooks?: { SessionStart?: (Command & { hooks?: Command[] })[] };
}

function isOurs({ command }: Command): boolean {
  return typeof command === "string" && command.includes("telemetry-hook.sh");
}

/** A SessionStart entry without our hook, undefined when nothing is left of it. Both shapes occur. */
function withoutHook(group: Command & { hooks?: Command[] }) {
  if (isOurs(group)) return undefined;
  if (!Array.isArray(group.hooks)) return group;
  const hooks = group.hooks.filter((hook) => !isOurs(hook));
  return hooks.length === 0 && group.hooks.length > 0 ? undefined : { ...group, hooks };
}

function parseSettings(text: string): Settings {
  if (text.trim() === "") return {};
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `settings.json is not valid JSON, comments included (${(error as Error).message}): mend it first`,
    );
  }
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    throw new Error(
      `settings.json is not a JSON object: it begins with ${text.trim().slice(0, 20)}`,
    );
  }
  const rounded = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)]
    .map(([token]) => token)
    .find((token) => !token.startsWith('"') && String(Number(token)) !== token);
  if (rounded) {
    throw new Error(`settings.json holds ${rounded}, which would be rewritten: put it in quotes`);
  }
  return settings;
}
