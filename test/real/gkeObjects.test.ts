import { beforeAll, describe, expect, it, vi } from "vitest";
import { isRecord, plain, type Values } from "../../simulator/cloud/values.js";
import { type ProgramResult, runProgram } from "../../simulator/program.js";
import { type Judged, kubernetesJudge } from "./parts/kubernetesJudge.js";

const config = {
  backend: "gke",
  otlpHost: "otlp.palindrom.example",
  dataLocations: ["us-central1"],
  kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
};

/** The objects as the provider sends them: named. */
function objectsOf(program: ProgramResult): Record<string, Values> {
  const objects = program.resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map(({ name, inputs }): [string, Values] => {
      const object = plain<Values>(inputs);
      const metadata = { name: "named-by-pulumi", ...(object.metadata as Values) };
      return [`${object.kind} ${name}`, { ...object, metadata }];
    });
  return Object.fromEntries(objects);
}

/** Of what the server keeps, what it was asked for. */
function pruned(kept: unknown, asked: unknown): unknown {
  if (Array.isArray(asked) && Array.isArray(kept))
    return kept.map((one, index) => pruned(one, asked[index]));
  if (!isRecord(asked) || !isRecord(kept)) return kept;
  const known = Object.keys(kept).filter((key) => key in asked);
  return Object.fromEntries(known.map((key) => [key, pruned(kept[key], asked[key])]));
}

const changed = (object: Values, path: string[], value: unknown): Values => {
  const [key = "", ...rest] = path;
  const inner = rest.length === 0 ? value : changed(Object(object[key]), rest, value);
  if (!Array.isArray(object)) return { ...object, [key]: inner };
  return Object.assign([...object], { [key]: inner });
};

describe("the API server's own code", () => {
  let judge: Awaited<ReturnType<typeof kubernetesJudge>>;
  let objects: Record<string, Values>;
  const named = (name: string): Values => {
    const found = objects[name];
    if (!found) throw new Error(`${name} is none of ${Object.keys(objects).join(", ")}`);
    return found;
  };
  const verdict = (object: Values, old?: Values): string => {
    const [judged] = judge([{ object, ...(old && { old }) }]);
    return (judged as Judged).errors.join("\n");
  };

  beforeAll(async () => {
    judge = await kubernetesJudge();
    vi.resetModules();
    objects = objectsOf(await runProgram({ config }));
  });

  it("takes every object of a stack on GKE, in a namespace of locked pods", () => {
    const judged = judge(Object.values(objects).map((object) => ({ object })));
    expect(judged.length).toBeGreaterThan(30);
    const refused = Object.keys(objects).flatMap((name, index) =>
      judged[index]?.errors.length ? [[name, judged[index].errors]] : [],
    );
    expect(refused).toEqual([]);
  });

  it("gives every object back as it was asked for, so that the next preview sees no change", () => {
    const judged = judge(Object.values(objects).map((object) => ({ object })));
    for (const [index, [name, object]] of Object.entries(objects).entries())
      expect([name, pruned(judged[index]?.object, object)]).toEqual([name, object]);
  });

  it("lets a claim grow in place, and never shrink", () => {
    const claim = named("PersistentVolumeClaim monitoring-dev-disk-clickhouse-0");
    const size = (text: string) =>
      changed(claim, ["spec", "resources", "requests", "storage"], text);
    expect(verdict(size("200Gi"), claim)).toBe("");
    expect(verdict(size("1Ti"), claim)).toBe("");
    expect(verdict(size("50Gi"), claim)).toMatch(/can not be less than/);
  });

  it("refuses another size in a StatefulSet, whose claims are therefore the program's own", () => {
    const set = named("StatefulSet monitoring-dev-clickhouse");
    const path = ["spec", "volumeClaimTemplates", "0", "spec", "resources", "requests", "storage"];
    expect(verdict(changed(set, path, "200Gi"), set)).toMatch(
      /updates to statefulset spec for fields/,
    );
  });

  it.each([
    ["another gate", "gate", ["spec", "replicas"], 3],
    [
      "another image",
      "clickhouse",
      ["spec", "template", "spec", "containers", "0", "image"],
      "clickhouse/clickhouse-server:25.12.6",
    ],
  ])("lets a StatefulSet have %s in place", (_, app, path, value) => {
    const set = named(`StatefulSet monitoring-dev-${app}`);
    expect(verdict(changed(set, path, value), set)).toBe("");
  });

  it.each([
    ["a pod as root", ["spec", "template", "spec", "securityContext", "runAsNonRoot"], false],
    ["a pod on the node's network", ["spec", "template", "spec", "hostNetwork"], true],
    [
      "a sidecar with a capability",
      ["spec", "template", "spec", "initContainers", "0", "securityContext", "capabilities"],
      { add: ["NET_ADMIN"] },
    ],
  ])("refuses %s in that namespace", (_, path, value) => {
    const set = named("StatefulSet monitoring-dev-gate");
    expect(verdict(changed(set, path, value))).toContain("PodSecurity restricted");
  });

  it("refuses a field that it does not know", () => {
    const set = named("StatefulSet monitoring-dev-gate");
    expect(verdict(changed(set, ["spec", "template", "spec", "hostAlias"], []))).toContain(
      'unknown field "spec.template.spec.hostAlias"',
    );
  });
});
