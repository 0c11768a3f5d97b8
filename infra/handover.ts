import type { BackendName } from "./config/backends";

/** What a stack is made of: where telemetry is written, and how far the handover to that place from the other one is. */
export interface State {
  backend: BackendName;
  /** Undefined: `backend` stands alone. */
  handover?: Handover | undefined;
}

/**
 * `write`: both stand and accept, and every gate writes to ClickHouse of `backend`; SigNoz reads the other's, where clients
 * are led. `read`: SigNoz reads that of `backend` too, and clients are led there. The one that `backend` does not name is
 * then what may go.
 */
export type Handover = "write" | "read";

/** The two that hand over to each other. */
type Side = Extract<BackendName, "vm" | "gke">;

const isSide = (backend: BackendName): backend is Side => backend === "vm" || backend === "gke";
const otherThan = (side: Side): Side => (side === "vm" ? "gke" : "vm");

/** @returns which backends stand, whose ClickHouse every gate writes to, and whose SigNoz and clients are at */
export function standing({ backend, handover }: State): {
  stand: BackendName[];
  write: BackendName;
  read: BackendName;
} {
  if (handover === undefined || !isSide(backend))
    return { stand: [backend], write: backend, read: backend };
  const read = handover === "read" ? backend : otherThan(backend);
  return { stand: ["vm", "gke"], write: backend, read };
}

/**
 * What may follow a state, beside itself: one of the two things changes at a time, what is written to or what is read, and
 * whoever goes is neither. So no step leaves a row where nobody looks for it, and each can be undone.
 */
export function nextOf({ backend, handover }: State): State[] {
  if (!isSide(backend)) return [];
  const there = otherThan(backend);
  switch (handover) {
    case undefined:
      return [
        // A cluster is there before the machine hears of it. A machine tells nobody when its ClickHouse takes what comes: it
        // stands beside first.
        ...(backend === "vm" ? [{ backend: there, handover: "write" } as const] : []),
        { backend, handover: "read" },
      ];
    case "write":
      return [
        { backend, handover: "read" },
        { backend: there, handover: "read" },
      ];
    case "read":
      return [{ backend }, { backend: there, handover: "write" }, { backend, handover: "write" }];
  }
}

/** Whether both are the same state. */
export const isSame = (one: State, two: State): boolean =>
  one.backend === two.backend && one.handover === two.handover;

/** The first step of the shortest way from one state to another; undefined where there is none. */
export function stepTowards(from: State, to: State): State | undefined {
  const seen: State[] = [from];
  let ways = nextOf(from).map((first) => ({ first, at: first }));
  while (ways.length > 0) {
    const found = ways.find(({ at }) => isSame(at, to));
    if (found) return found.first;
    seen.push(...ways.map(({ at }) => at));
    ways = ways
      .flatMap(({ first, at }) => nextOf(at).map((next) => ({ first, at: next })))
      .filter(({ at }) => !seen.some((one) => isSame(one, at)));
  }
  return undefined;
}
