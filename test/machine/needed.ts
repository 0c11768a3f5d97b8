import { readFileSync, writeFileSync } from "node:fs";
import { bootMissing } from "./bootedMachine";

const mapsPerProcess = "/proc/sys/vm/max_map_count";

/**
 * Who asks for a machine that boots gets one, or is told what is missing: nothing is skipped. A process of the machine is
 * one of ours that maps its memory page by page; at Linux's default, 65530, a large one is killed.
 */
export function setup() {
  const missing = bootMissing();
  if (missing) throw new Error(`no machine can boot here: ${missing}`);
  const before = readFileSync(mapsPerProcess, "utf8");
  writeFileSync(mapsPerProcess, "1048576");
  return () => writeFileSync(mapsPerProcess, before);
}
