import { is } from "../condition";
import type { Dashboard } from "../dashboard";
import {
  clientReceiver,
  dataMountpoint,
  exporters,
  gate,
  refusedKeyBackend,
  wholeBackend,
} from "../names";
import { bars, lines, number, unit } from "../panel";
import { increase, latest, type Query } from "../query";

const counted = { "haproxy.service_name": is(wholeBackend) };
const refusedKey = { ...counted, "haproxy.proxy_name": is(refusedKeyBackend) };
const dataDisk = { mountpoint: is(dataMountpoint) };

type Counters<A extends string> = Record<
  "metrics" | "logs" | "traces",
  { name: string; attributes: readonly A[] }
>;

/** One line for each kind of telemetry: what clients sent. */
const fromClients = (of: Counters<"receiver">): Record<string, Query> => {
  const where = { receiver: is(clientReceiver) };
  return {
    metrics: increase(of.metrics, { where }),
    logs: increase(of.logs, { where }),
    traces: increase(of.traces, { where }),
  };
};

/** The same of what goes into SigNoz' tables, counted once. */
const toTables = (of: Counters<"exporter">): Record<string, Query> => ({
  metrics: increase(of.metrics, { where: { exporter: is(exporters.metrics) } }),
  logs: increase(of.logs, { where: { exporter: is(exporters.logs) } }),
  traces: increase(of.traces, { where: { exporter: is(exporters.traces) } }),
});

export const gateAndStorage: Dashboard = {
  name: "monitoring-gate-and-storage",
  title: "Monitoring: gate and storage",
  description: "What the collector accepts, refuses and loses, and whether the machine keeps up",
  variables: [],
  sections: {
    Gate: [
      number(
        "Requests",
        "How many requests reached the gate?",
        increase(gate.requests, { where: counted }),
      ),
      number(
        "Refused keys",
        "How many came with a wrong or no key?",
        increase(gate.requests, { where: refusedKey }),
      ),
      number(
        "Data disk",
        "How full is ClickHouse' disk?",
        latest(gate.diskUsed, { where: dataDisk }),
        unit.fraction,
      ),
      number(
        "Waiting for ClickHouse",
        "How much is in the fullest of the queues?",
        latest(gate.queueBytes),
        unit.bytes,
      ),
      bars(
        "Requests by result",
        "Let through (small, medium, large), or refused for the key, the form, the size, the rate?",
        increase(gate.requests, { by: ["haproxy.proxy_name"], where: counted }),
      ),
      bars(
        "Requests by service",
        "Metrics, logs or traces?",
        increase(gate.answers, { by: ["rpc.service"] }),
      ),
      lines("Accepted items", "What comes in?", fromClients(gate.accepted)),
      lines("Refused items", "What is turned back?", fromClients(gate.refused)),
    ],
    "To ClickHouse": [
      lines("Stored items", "What was written?", toTables(gate.sent)),
      lines("Failed writes", "What could not be written?", toTables(gate.sendFailed)),
      lines("Dropped items", "What was lost at a full queue?", toTables(gate.enqueueFailed)),
      lines(
        "Queue by exporter",
        "Does ClickHouse lag behind?",
        latest(gate.queueBytes, { by: ["exporter"] }),
        unit.bytes,
      ),
    ],
    Machine: [
      lines(
        "Data disk over time",
        "When will it be full?",
        latest(gate.diskUsed, { by: ["mountpoint"], where: dataDisk }),
        unit.fraction,
      ),
      lines(
        "Data disk in bytes",
        "How much is used and free?",
        latest(gate.diskBytes, { by: ["state"], where: dataDisk }),
        unit.bytes,
      ),
      lines(
        "Memory",
        "Is memory short?",
        latest(gate.memoryUsed, { by: ["state"] }),
        unit.fraction,
      ),
      lines(
        "Memory of the collector",
        "Does the collector grow?",
        latest(gate.collectorMemory),
        unit.bytes,
      ),
    ],
  },
};
