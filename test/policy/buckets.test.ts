import { describe, expect, it } from "vitest";
import { unknownValue } from "../../policy/resource";
import type { PolicyResource } from "../../policy/rules";
import { resource, rules } from "./resources";

const name = "monitoring-dev-backups-0a1b2c3";
const bucket = (inputs: object) =>
  resource("gcp:storage/bucket:Bucket", {
    name,
    uniformBucketLevelAccess: true,
    publicAccessPrevention: "enforced",
    encryption: { defaultKmsKeyName: "projects/p/…" },
    softDeletePolicy: { retentionDurationSeconds: 604800 },
    ...inputs,
  });
const pool = "principal://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools";
const clickhouse = `${pool}/p.svc.id.goog/subject/ns/monitoring/sa/monitoring-dev`;
const grant = (inputs: object) =>
  resource("gcp:storage/bucketIAMMember:BucketIAMMember", {
    bucket: name,
    role: "roles/storage.objectUser",
    member: clickhouse,
    ...inputs,
  });
const created = (one: PolicyResource) => ({ ...one, created: true });

describe("a bucket", () => {
  it("passes that is closed, encrypted and slow to forget", () =>
    expect(rules(bucket({}))).toEqual([]));

  it.each([
    ["objects of everybody's", { publicAccessPrevention: "inherited" }],
    ["grants on single objects", { uniformBucketLevelAccess: false }],
    ["no key", { encryption: undefined }],
    ["deletions for good", { softDeletePolicy: { retentionDurationSeconds: 0 } }],
    ["contents that go with it", { forceDestroy: true }],
  ])("is refused with %s", { tags: "attack/ci" }, (_, inputs) =>
    expect(rules(bucket(inputs))).toEqual(["ingress"]),
  );
});

describe("a grant on it", () => {
  it("passes to ClickHouse's pods", () => expect(rules(bucket({}), grant({}))).toEqual([]));

  it.each([
    ["everybody", { member: "allUsers" }],
    ["a person", { member: "user:dana@palindrom.example" }],
    ["the machine", { member: "serviceAccount:monitoring-dev@p.iam.gserviceaccount.com" }],
    ["any pod", { member: `${pool.replace(/^principal/, "principalSet")}/p.svc.id.goog/*` }],
    ["a pod of another namespace", { member: clickhouse.replace("ns/monitoring", "ns/default") }],
    ["a pool that is no cluster's", { member: clickhouse.replace(".svc.id.goog", "") }],
    ["somebody whom only up knows", { member: unknownValue }],
    ["ClickHouse as the bucket's master", { role: "roles/storage.admin" }],
  ])("is refused to %s", { tags: "attack/ci" }, (_, inputs) =>
    expect([...new Set(rules(bucket({}), grant(inputs)))]).toEqual(["grants"]),
  );

  it("waits for the project's number with the bucket that it comes with, and with no other", () => {
    const unknown = created(grant({ member: unknownValue }));
    expect(rules(created(bucket({})), unknown)).toEqual([]);
    expect(rules(created(bucket({ name: "another" })), unknown)).toEqual(["grants"]);
  });
});
