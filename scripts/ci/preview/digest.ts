/**
 * What `pulumi preview --json` prints (pkg/display PreviewDigest, Pulumi v3.274.1), the part that is read here.
 * Secrets arrive as the text "[secret]", values not known before `up` as `unknownValue`.
 */
export interface PreviewDigest {
  steps?: PreviewStep[];
  diagnostics?: { urn?: string; message: string; severity: string }[];
  changeSummary?: Record<string, number>;
}

export interface PreviewStep {
  op: string;
  urn: string;
  oldState?: ResourceState;
  newState?: ResourceState;
  detailedDiff?: Record<string, { kind: string; inputDiff: boolean }> | null;
  diffReasons?: string[];
  replaceReasons?: string[];
}

export interface ResourceState {
  type: string;
  custom?: boolean;
  protect?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  /** URNs of the resources that an input was made from. */
  propertyDependencies?: Record<string, string[]>;
}

export type Change = "replace" | "delete" | "create" | "update" | "same";

/** One resource of a preview: the engine's three steps of a replacement are one change. */
export interface ResourceChange {
  change: Change;
  urn: string;
  type: string;
  name: string;
  step: PreviewStep;
}

/** Reads a digest; a CLI that failed prints no JSON: then the digest holds what it printed, as an error. */
export function parseDigest(text: string): PreviewDigest {
  try {
    return JSON.parse(text.slice(Math.max(text.indexOf("{"), 0))) as PreviewDigest;
  } catch {
    const printed = text.trim().slice(0, 500) || "nothing";
    const message = `pulumi preview printed no JSON; it printed: ${printed}`;
    return { diagnostics: [{ severity: "error", message }] };
  }
}

/** The changes of a preview, the ones that destroy something first. */
export function changesOf(digest: PreviewDigest): ResourceChange[] {
  const byUrn = new Map<string, ResourceChange>();
  for (const step of digest.steps ?? []) {
    const type = step.newState?.type ?? step.oldState?.type ?? "";
    const change = changeOf(step.op, type);
    const known = byUrn.get(step.urn);
    // The step of a replacement that deletes has no new state, which is what the rules judge.
    const tells = known?.step.newState !== undefined || step.newState === undefined;
    if (known && tells && rank(known.change) <= rank(change)) continue;
    byUrn.set(step.urn, {
      change,
      urn: step.urn,
      type,
      name: step.urn.split("::").at(-1) ?? step.urn,
      step,
    });
  }
  // By name within a kind: the engine's order differs from run to run.
  return [...byUrn.values()].sort(
    (a, b) => rank(a.change) - rank(b.change) || a.name.localeCompare(b.name),
  );
}

const order: Change[] = ["replace", "delete", "create", "update", "same"];
const rank = (change: Change) => order.indexOf(change);

function changeOf(op: string, type: string): Change {
  // A command that runs again is a replacement to the engine, and destroys nothing.
  if (type === "command:local:Command" && /replace/.test(op)) return "update";
  switch (op) {
    case "replace":
    case "create-replacement":
    case "delete-replaced":
    case "read-replacement":
    case "import-replacement":
      return "replace";
    case "delete":
    case "discard":
      return "delete";
    case "create":
    case "import":
      return "create";
    case "update":
      return "update";
    default:
      return "same";
  }
}
