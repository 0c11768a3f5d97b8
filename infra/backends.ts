import type { BackendClass } from "./backend";
import type { Settings } from "./config/settings";
import { GkeBackend } from "./gke/gke";
import { CloudVm, SignozVm } from "./vm/machine";

/** By the value of `monitoring:backend`. */
export const backends: Record<Settings["machine"]["backend"], BackendClass> = {
  vm: SignozVm,
  cloud: CloudVm,
  gke: GkeBackend,
};
