import { bootMissing } from "./bootedMachine";

/** Who asks for a machine that boots gets one, or is told what is missing: nothing is skipped. */
export function setup() {
  const missing = bootMissing();
  if (missing) throw new Error(`no machine can boot here: ${missing}`);
}
