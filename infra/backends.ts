import type { BackendClass } from "./backend";
import type { Settings } from "./config/settings";
import { CloudVm, SignozVm } from "./vm/machine";

/** By the value of `monitoring:backend`. */
export const backends: Record<Settings["machine"]["backend"], BackendClass> = {
  vm: SignozVm,
  cloud: CloudVm,
};
