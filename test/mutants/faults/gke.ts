import type { Fault } from "../fault";

const progress = "infra/gke/progress.sh";
const sidecar = "infra/gke/files/apply-keys.sh";
const unit = ["test/infra/gke/progress.test.ts"];
const keys = ["test/real/gkeKeys.test.ts"];

export const faults: Fault[] = [
  {
    name: "a version on GKE is applied before every gate goes by its keys",
    file: progress,
    from: '|| echo "the keys of',
    to: '|| : "the keys of',
    tests: unit,
  },
  {
    name: "kubelet is left to itself with a revoked key",
    file: progress,
    from: '[ -z "$behind" ] || ask annotate',
    to: "true || ask annotate",
    tests: unit,
  },
  {
    name: "a gate on GKE is said to go by keys that it could not take",
    file: sidecar,
    from: 'renew_keys "$1" || failed=1',
    to: 'renew_keys "$1" || :',
    tests: [...keys, "-t", "an empty file of keys"],
  },
  {
    name: "a client keeps its connection to a gate for ever",
    file: "infra/gate/haproxy.cfg",
    from: "GATE_REQUESTS_PER_CONNECTION 120",
    to: "GATE_REQUESTS_PER_CONNECTION 10000",
    tests: ["test/real/frontKeys.test.ts", "-t", "again and again"],
  },
  {
    name: "a gate on GKE leaves what ClickHouse refused to the exporters",
    file: "infra/gke/files/collector.sh",
    from: "Exporting failed",
    to: "Exporting has failed",
    tests: ["test/real/gkeCollector.test.ts"],
  },
  {
    name: "a batch on GKE that is refused for ever has the collector start again for ever",
    file: "infra/gke/files/collector.sh",
    from: "most_restarts=6",
    to: "most_restarts=60",
    tests: ["test/infra/gke/collector.test.ts"],
  },
];
