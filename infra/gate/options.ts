import type { Signal } from "./ottl";

export interface GateOptions {
  /** Whether what was said passes: prompts, answers, what tools were given and gave back. */
  keepContent: boolean;
  /** Names of the company's own programs that pass beside the listed ones, on every level. */
  ownNames: readonly string[];
  retentionDays: Record<Signal, number>;
}

/** What the gate does where a stack's settings say nothing else. */
export const defaultGate: GateOptions = {
  keepContent: false,
  ownNames: [],
  retentionDays: { metrics: 180, logs: 30, traces: 15 },
};
