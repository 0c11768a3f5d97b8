import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { unknownValue } from "../../../../policy/resource";
import {
  type PreviewDigest,
  type PreviewStep,
  parseDigest,
} from "../../../../scripts/ci/preview/digest";
import { summarize } from "../../../../scripts/ci/preview/render";
import { parsePath } from "../../../../scripts/ci/preview/values";

const urn = (type: string, name: string) => `urn:pulumi:dev::monitoring::${type}::${name}`;
const step = (
  op: string,
  type: string,
  name: string,
  more: Partial<PreviewStep> = {},
): PreviewStep => ({
  op,
  urn: urn(type, name),
  oldState: { type, inputs: {}, protect: true },
  newState: { type, inputs: {}, protect: true },
  ...more,
});
const disk = "gcp:compute/disk:Disk";
const claim = "kubernetes:core/v1:PersistentVolumeClaim";
const instance = "gcp:compute/instance:Instance";
const vmInputs = (metadata: object = {}, more: object = {}) => ({
  serviceAccount: { email: "vm@p.iam.gserviceaccount.com" },
  networkInterfaces: [{ subnetwork: "own" }],
  metadata,
  ...more,
});
const summary = (digest: PreviewDigest, allowReplace = false) =>
  summarize(digest, {
    stack: "dev",
    allowReplace,
    commit: "0123456789abcdef",
    runUrl: "https://example.com/run",
  });

describe("summarize", () => {
  it("starts with the marker of its stack, and says so when nothing changes", () => {
    const { markdown, blockers } = summary({ steps: [step("same", disk, "data")] });
    expect(markdown).toMatch(/^<!-- pulumi-preview:dev -->\n\n### Preview of `dev`: no changes\n/);
    expect(markdown).toContain("1 unchanged");
    expect(blockers).toEqual([]);
  });

  it.each([true, false])(
    "says whether it saw stand-ins for secrets: real state %s",
    (realState) => {
      const { markdown } = summarize(
        { steps: [] },
        { stack: "dev", allowReplace: true, realState },
      );
      expect(markdown.includes("stand-ins")).toBe(!realState);
    },
  );

  it("names replaces and deletes first, and makes one change of a replacement's steps", () => {
    const type = "gcp:compute/firewall:Firewall";
    const { markdown } = summary({
      steps: [
        step("update", type, "changed"),
        step("create", type, "new"),
        step("delete-replaced", instance, "vm", {
          newState: { type: instance, inputs: vmInputs() },
        }),
        step("replace", instance, "vm", {
          newState: { type: instance, inputs: vmInputs() },
          replaceReasons: ["name"],
        }),
        step("create-replacement", instance, "vm", {
          newState: { type: instance, inputs: vmInputs() },
        }),
        step("delete", type, "old"),
      ],
    });
    expect(markdown).toContain("1 to replace, 1 to delete, 1 to create, 1 to update");
    const rows = markdown.split("\n").filter((line) => /^\| (🔁|🗑️|➕|✏️)/u.test(line));
    expect(rows.map((row) => row.split("`")[1])).toEqual(["vm", "old", "new", "changed"]);
  });

  it("counts a command that runs again as an update, since it destroys nothing", () => {
    const type = "command:local:Command";
    const { markdown } = summary({
      steps: [
        step("delete-replaced", type, "ready"),
        step("replace", type, "ready", { diffReasons: ["triggers[0]"] }),
        step("create-replacement", type, "ready"),
      ],
    });
    expect(markdown).toContain("Preview of `dev`: 1 to update");
  });

  it("says that a secret is another one where both sides are hidden", () => {
    const type = "gcp:secretmanager/secretVersion:SecretVersion";
    const state = { type, inputs: { secretData: "[secret]" } };
    const { markdown } = summary({
      steps: [
        step("replace", type, "key", {
          oldState: state,
          newState: state,
          detailedDiff: { secretData: { kind: "update_replace", inputDiff: true } },
        }),
      ],
    });
    expect(markdown).toContain("| `secretData` | `[secret]` | `[secret], another` |");
  });

  it("leaves out the error that only says that there was another", () => {
    const diagnostics = ["disk is protected", "error: preview failed"].map((message) => ({
      severity: "error",
      message,
    }));
    expect(summary({ diagnostics }).blockers).toEqual(["disk is protected"]);
    expect(summary({ diagnostics: diagnostics.slice(1) }).blockers).toEqual([
      "error: preview failed",
    ]);
  });

  it.each([
    ["replace", disk, {}, /data disk/],
    ["delete", disk, {}, /data disk/],
    ["delete", "gcp:container/cluster:Cluster", {}, /all gates and ClickHouse run in/],
    ["delete", "kubernetes:core/v1:Namespace", {}, /all gates and ClickHouse run in/],
    ["replace", claim, {}, /a disk of stored telemetry/],
    ["replace", "gcp:compute/address:Address", {}, /address that every delivered hook dials/],
    [
      "delete",
      "gcp:secretmanager/secret:Secret",
      { secretId: "monitoring-signoz-otlp-endpoint-secret-dev" },
      /otlp-endpoint/,
    ],
  ])("refuses to %s a %s without the label", (op, type, inputs, what) => {
    const digest = {
      steps: [
        step(op, type, "it", {
          oldState: { type, inputs },
          newState: { type, inputs, protect: true },
        }),
      ],
    };
    const refused = summary(digest);
    expect(refused.blockers).toHaveLength(1);
    expect(refused.markdown).toMatch(/\[!CAUTION\]/);
    expect(refused.markdown).toMatch(what);
    expect(refused.markdown).toContain("add the label `allow-replace`");
    const allowed = summary(digest, true);
    expect(allowed.blockers).toEqual([]);
    expect(allowed.markdown).toMatch(/\[!WARNING\]/);
  });

  it("lets a gate go, whose disk stays", () => {
    const state = { type: claim, inputs: {} };
    const digest = { steps: [step("delete", claim, "disk-gate-2", { oldState: state })] };
    expect(summary(digest).blockers).toEqual([]);
  });

  it("lets an ordinary secret or version be replaced", () => {
    const type = "gcp:secretmanager/secret:Secret";
    const state = { type, inputs: { secretId: "monitoring-tls-secret-dev" } };
    expect(
      summary({ steps: [step("replace", type, "tls", { oldState: state, newState: state })] })
        .blockers,
    ).toEqual([]);
  });

  it("fails on an error of the engine, label or not, and shows its text", () => {
    const digest = {
      diagnostics: [
        { severity: "error", message: "unable to replace: resource is protected\nmore ```" },
      ],
    };
    const { markdown, blockers } = summary(digest, true);
    expect(blockers).toEqual(["unable to replace: resource is protected more ```"]);
    expect(markdown).toMatch(/Preview of `dev`: failed/);
    expect(markdown).toContain("````\nunable to replace");
  });

  it("fails on a broken rule, label or not", () => {
    const type = "gcp:compute/firewall:Firewall";
    const inputs = { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["22"] }] };
    const { markdown, blockers } = summary(
      { steps: [step("create", type, "ssh", { newState: { type, inputs } })] },
      true,
    );
    expect(blockers[0]).toMatch(/tcp\/22/);
    expect(markdown).toMatch(/\[!CAUTION\]/);
  });

  it("judges a replacement that begins with a deletion", { tags: "attack/ci" }, () => {
    const type = "gcp:compute/firewall:Firewall";
    const inputs = { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["22"] }] };
    const { newState: _, ...deletion } = step("delete-replaced", type, "ssh");
    const made = step("create-replacement", type, "ssh", { newState: { type, inputs } });
    for (const steps of [
      [deletion, made],
      [made, deletion],
    ])
      expect(summary({ steps }, true).blockers[0]).toMatch(/tcp\/22/);
  });

  it("shows a change inside JSON kept in metadata by its leaf", () => {
    const settings = (tag: string) =>
      JSON.stringify({ org: "palindrom", images: { signoz: `signoz/signoz:${tag}` } });
    const { markdown } = summary({
      steps: [
        step("update", instance, "vm", {
          oldState: {
            type: instance,
            inputs: vmInputs({ "monitoring-settings": settings("v0.138.0") }),
          },
          newState: {
            type: instance,
            inputs: vmInputs({ "monitoring-settings": settings("v0.139.0") }),
          },
          detailedDiff: { 'metadata["monitoring-settings"]': { kind: "update", inputDiff: true } },
        }),
      ],
    });
    expect(markdown).toContain(
      '| `metadata["monitoring-settings"] › images.signoz` | `signoz/signoz:v0.138.0` | `signoz/signoz:v0.139.0` |',
    );
    expect(markdown).not.toContain("palindrom");
  });

  it("looks into packed JSON too", () => {
    const content = (hours: number) =>
      gzipSync(JSON.stringify({ rules: [{ name: "silence", hours }] })).toString("base64");
    const { markdown } = summary({
      steps: [
        step("update", instance, "vm", {
          oldState: { type: instance, inputs: vmInputs({ content: content(4) }) },
          newState: { type: instance, inputs: vmInputs({ content: content(6) }) },
          detailedDiff: { "metadata.content": { kind: "update", inputDiff: true } },
        }),
      ],
    });
    expect(markdown).toContain("| `metadata.content › rules.0.hours` | `4` | `6` |");
  });

  it("counts lines where a text is long, and says what is known only after up", () => {
    const lines = (n: number) =>
      Array.from({ length: 20 }, (_, i) => (i < n ? `new ${i}` : `line ${i}`)).join("\n");
    const { markdown } = summary({
      steps: [
        step("update", instance, "vm", {
          oldState: { type: instance, inputs: vmInputs({ "startup-script": lines(0), id: "x" }) },
          newState: {
            type: instance,
            inputs: vmInputs({
              "startup-script": lines(2),
              id: unknownValue,
            }),
          },
          detailedDiff: {
            'metadata["startup-script"]': { kind: "update", inputDiff: true },
            "metadata.id": { kind: "update", inputDiff: true },
          },
        }),
      ],
    });
    expect(markdown).toContain("| `20 lines, 2 lines gone` | `20 lines, 2 lines new` |");
    expect(markdown).toContain("| `x` | `known after up` |");
  });

  it("keeps a value from breaking out of its table cell", { tags: "attack/ci" }, () => {
    const { markdown } = summary({
      steps: [
        step("update", instance, "vm", {
          oldState: { type: instance, inputs: vmInputs({ note: "a" }) },
          newState: { type: instance, inputs: vmInputs({ note: "x` | @everyone\n| <img src=x>" }) },
          detailedDiff: { "metadata.note": { kind: "update", inputDiff: true } },
        }),
      ],
    });
    const row = markdown.split("\n").find((line) => line.startsWith("| `metadata.note`")) ?? "";
    // GitHub splits a row at every pipe: four borders make three cells.
    expect(row.match(/\|/g)).toHaveLength(4);
    expect(row.match(/`/g)).toHaveLength(6);
  });

  it("stays below GitHub's limit and keeps the head", () => {
    const steps = Array.from({ length: 2000 }, (_, i) =>
      step("create", "gcp:x/y:Y", `resource-${i}`),
    );
    const { markdown } = summary({ steps });
    expect(markdown.length).toBeLessThanOrEqual(65_536);
    expect(markdown).toMatch(/^<!-- pulumi-preview:dev -->/);
    expect(markdown).toContain("cut at GitHub's limit");
  });
});

it("parseDigest makes an error of what is not JSON", () => {
  expect(parseDigest('warning: x\n{"steps":[]}').steps).toEqual([]);
  expect(summary(parseDigest("error: no stack named 'dev' found")).blockers[0]).toMatch(
    /no stack named/,
  );
  expect(summary(parseDigest("")).blockers[0]).toMatch(/nothing/);
});

it.each([
  ['metadata["startup-script"]', ["metadata", "startup-script"]],
  ["attachedDisks[0].source", ["attachedDisks", "0", "source"]],
  ['labels["a\\"b"]', ["labels", 'a"b']],
])("parsePath reads %s", (path, keys) => expect(parsePath(path)).toEqual(keys));
