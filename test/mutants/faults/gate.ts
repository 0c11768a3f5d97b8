import type { Fault } from "../fault";

/** Real tests of one file, those whose name has the words; the parts that they run must have been built before. */
const real = (name: string, words?: string) => [
  `test/real/${name}.test.ts`,
  ...(words ? ["-t", words] : []),
];
const front = "infra/gate/haproxy.cfg";
const collector = "infra/gate/otel-collector.yaml";
const filter = "infra/gate/processors.ts";
const content = "infra/gate/content.ts";
const claims = "infra/gate/identity.ts";
const says = real("frontRequests");
const places = real("collectorPlaces");
const poison = real("collectorPoison");
const identity = real("collectorIdentity");

export const faults: Fault[] = [
  {
    name: "a body may be a list of lists",
    file: filter,
    from: " where not IsString(body)",
    to: " where false",
    tests: real("storeFuzz", "in a body"),
  },
  {
    name: "kept content may be as deep as it likes",
    file: content,
    from: 'levels === 0 ? "[\\\\[{]"',
    to: 'levels === 0 ? "never"',
    tests: real("storeFuzz", "in a record"),
  },
  {
    name: "ClickHouse's first JSON parser reads a span's attributes",
    file: "infra/gate/exporters.yaml",
    from: "signoz_traces?max_partitions_per_insert_block=10000&allow_simdjson=0",
    to: "signoz_traces?max_partitions_per_insert_block=10000",
    tests: real("storeFuzz", "beyond 64 bits"),
  },
  {
    name: "gate: the front asks for no key",
    file: front,
    from: "  http-request set-var(txn.to) str(refused_key) unless known\n",
    to: "",
    tests: real("frontKeys", "who passes the gate"),
  },
  {
    name: "gate: a key is a key whatever it is",
    file: front,
    from: "acl known var(txn.owner) -m found",
    to: "acl known req.fhdr(signoz-ingestion-key) -m found",
    tests: real("frontKeys", "who passes the gate"),
  },
  {
    name: "gate: a revoked key passes until the next start",
    file: "infra/gate/front-apply.sh",
    from: "\napply_keys\n",
    to: "\n",
    tests: real("frontKeys", "counts at once"),
  },
  {
    name: "gate: a new certificate waits for the next start",
    file: "infra/gate/front-apply.sh",
    from: "\napply_certificate\n",
    to: "\n",
    tests: real("frontKeys", "a change of the certificate"),
  },
  {
    name: "gate: the client may name the key's owner",
    file: front,
    from: `$).* -m reg if !decided
  http-request set-header host gate if !decided
  http-request set-header x-monitoring-owner %[var(txn.owner)] if !decided`,
    to: `$|x-monitoring-owner$).* -m reg if !decided
  http-request set-header host gate if !decided
  http-request set-header x-monitoring-owner %[var(txn.owner)] if !decided !{ req.fhdr(x-monitoring-owner) -m found }`,
    tests: real("frontRequests", "never names the owner"),
  },
  {
    name: "gate: a message has no largest size",
    file: front,
    from: `str(refused_size) if !decided { var(txn.length) -m int gt "\${GATE_MESSAGE_BYTES}" }`,
    to: "str(refused_size) if !decided { always_false }",
    tests: says,
  },
  {
    name: "gate: any packing goes to the collector",
    file: front,
    from: "str(refused_encoding) if !decided packed !packed_known or !decided packed !packed_once",
    to: "str(refused_encoding) if !decided packed { always_false }",
    tests: says,
  },
  {
    name: "gate: any method goes to the collector",
    file: front,
    from: "if !decided !otlp or !decided !grpc_post or",
    to: "if !decided !otlp or",
    tests: says,
  },
  {
    name: "gate: nobody tells the collector whose key it was",
    file: collector,
    from: "include_metadata: true",
    to: "include_metadata: false",
    tests: identity,
  },
  {
    name: "gate: what the client claims to be stays on the resource",
    file: claims,
    from: '"^(?:engineer$$|engineer[.]verified$$|monitoring[.])"',
    to: '"^monitoring[.]"',
    tests: identity,
  },
  {
    name: "gate: the second claim stays on the record",
    file: claims,
    from: `        'delete_matching_keys(attributes, "^engineer$$") where attributes["engineer"] != nil',\n`,
    to: "",
    tests: identity,
  },
  {
    name: "gate: a control character stays in a label",
    file: claims,
    from: "*[! -\\\\U0010FFFF]*",
    to: "never",
    tests: real("collectorIdentity", "a control character"),
  },
  {
    name: "gate: the clock stays on the resource",
    file: filter,
    from: "...all, takeClock]",
    to: "...all]",
    tests: real("collectorIdentity", "no mark"),
  },
  {
    name: "gate: every name passes",
    file: content,
    from: "allow_all_keys: keepContent,",
    to: "allow_all_keys: true,",
    tests: places,
  },
  {
    name: "gate: what is nested passes",
    file: content,
    from: "[notPlain, longBytes]",
    to: "[longBytes]",
    tests: places,
  },
  {
    name: "gate: a list of words passes",
    file: content,
    from: `|",.*)\`, ".*")`,
    to: `)\`, ".*")`,
    tests: poison,
  },
  {
    name: "gate: Claude Code's names pass in every scope",
    file: content,
    from: ` or name != "\${claudeCode[signal].scope}"`,
    to: "",
    tests: places,
  },
  {
    name: "gate: names beside the expected ones are not looked at",
    file: content,
    from: "(?:,|$$))+$$",
    to: ").*$$",
    tests: places,
  },
  {
    name: "gate: what is held back every day is not counted",
    file: collector,
    from: ':-clickhouselogsexporter}", count/odd]',
    to: ':-clickhouselogsexporter}"]',
    tests: places,
  },
  {
    name: "gate: suggestions that cannot be written refuse the client",
    file: collector,
    from: "processors: &let_go [batch/let_go]",
    to: "processors: &let_go []",
    tests: real("store", "hangs"),
  },
  {
    name: "gate: links keep their attributes",
    file: filter,
    from: '["set(links, links) where Len(links) > 0"]',
    to: "[]",
    tests: real("collectorPlaces", "a link's"),
  },
  {
    name: "gate: exemplars end in the dead-letter file",
    file: collector,
    from: 'attributes["refused.unkept"] == true',
    to: 'attributes["refused.unkept"] == false',
    tests: real("collectorPlaces", "exemplars"),
  },
  {
    name: "gate: datapoints of any time pass",
    file: filter,
    from: 'tooOld("time_unix_nano"), tooNew("time_unix_nano"), suspicious',
    to: "suspicious",
    tests: poison,
  },
  {
    name: "gate: datapoints of any value pass",
    file: filter,
    from: "suspicious, tooMany",
    to: "tooMany",
    tests: poison,
  },
  {
    name: "gate: any number of links and events passes",
    file: filter,
    from: '        refuse("too_many_parts", parts),\n',
    to: "",
    tests: poison,
  },
  {
    name: "gate: the odd are not looked at",
    file: collector,
    from: "processors: [transform/logs_odd, resource/even]",
    to: "processors: [resource/even]",
    tests: poison,
  },
  {
    name: "gate: what is refused is stored",
    file: collector,
    from: 'condition: attributes["refused.reason"] != nil',
    to: 'condition: attributes["refused.reason"] == "never"',
    tests: poison,
  },
  {
    name: "gate: the retention is a constant",
    file: filter,
    from: "days: retentionDays.logs,",
    to: "days: 30,",
    tests: ["test/infra/gate/processors.test.ts"],
  },
  {
    name: "power: what is inserted stays in memory",
    file: "infra/vm/store/clickhouse/config.xml",
    from: "<fsync_after_insert>1",
    to: "<fsync_after_insert>0",
    tests: real("powerCut", "merged"),
  },
  {
    name: "power: what is merged stays in memory",
    file: "infra/vm/store/clickhouse/config.xml",
    from: "<min_rows_to_fsync_after_merge>1",
    to: "<min_rows_to_fsync_after_merge>0",
    tests: real("powerCut", "merged"),
  },
  {
    name: "power: the queue stays in memory",
    file: collector,
    from: "fsync: true",
    to: "fsync: false",
    tests: real("powerCut", "clients send"),
  },
  {
    name: "store: what ClickHouse refused is tried again before its names are forgotten",
    file: "infra/gate/exporters.yaml",
    from: "initial_interval: 46m",
    to: "initial_interval: 1s",
    tests: real("containersStore", "finds what"),
    timeoutMs: 480_000,
  },
  {
    name: "store: nobody restarts the collector",
    file: "infra/vm/store/store-guard.sh",
    from: "docker restart monitoring-collector-1 >/dev/null\n",
    to: "",
    tests: real("containersStore", "finds what"),
    timeoutMs: 480_000,
  },
];
