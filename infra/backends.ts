import type { BackendClass } from "./backend";
import type { Settings } from "./config/settings";
import { GkeBackend } from "./gke/gke";
import { type State, standing } from "./handover";
import { CloudVm, SignozVm } from "./vm/machine";

/** By the value of `monitoring:backend`, where it stands alone. */
const backends: Record<Settings["machine"]["backend"], BackendClass> = {
  vm: SignozVm,
  cloud: CloudVm,
  gke: GkeBackend,
};

/** While one hands over to the other, a cluster stands, and the machine beside it. */
export const backendOf = (state: State): BackendClass =>
  backends[standing(state).stand.includes("gke") ? "gke" : state.backend];
