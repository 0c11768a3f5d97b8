import { describe, expect, it } from "vitest";
import { unknownValue } from "../../policy/resource";
import { hidings, resource, rules, vm } from "./resources";

const secret = (name: string) => `monitoring-${name}-secret-dev`;
const endpoint = secret("signoz-otlp-endpoint");
const inProject = (secretId: string) => `projects/p/secrets/${secretId}`;
const reader = (inputs: object) =>
  resource("gcp:secretmanager/secretIamMember:SecretIamMember", {
    role: "roles/secretmanager.secretAccessor",
    ...inputs,
  });

describe("on a secret", () => {
  it.each([
    [
      "another role on a secret",
      { role: "roles/secretmanager.admin", member: "group:a@example.com", secretId: endpoint },
    ],
    ["everybody", { member: "allUsers", secretId: endpoint }],
    ["a domain", { member: "domain:gmail.com", secretId: endpoint }],
    [
      "a whole workforce pool",
      {
        member: "principalSet://iam.googleapis.com/locations/global/workforcePools/p/*",
        secretId: endpoint,
      },
    ],
    [
      "somebody who reads the admin password",
      { member: "user:eve@example.com", secretId: inProject(secret("signoz-admin")) },
    ],
    [
      "a group that reads one engineer's key",
      { member: "group:all@example.com", secretId: secret("signoz-ingestion-key-dana") },
    ],
    [
      "another machine's account",
      { member: "serviceAccount:x@evil.iam.gserviceaccount.com", secretId: secret("tls") },
    ],
    ["a secret that nobody can name", { member: "user:eve@example.com", secretId: unknownValue }],
  ])("refuses %s", { tags: "attack/ci" }, (_, inputs) =>
    expect(new Set(rules(reader(inputs)))).toEqual(new Set(["grants"])),
  );

  it.each([
    [
      "a group that reads the endpoint",
      { member: "group:engineers@example.com", secretId: inProject(endpoint) },
    ],
    [
      "somebody of a workforce pool",
      {
        member: "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/dana",
        secretId: inProject(endpoint),
      },
    ],
    [
      "an engineer who reads the own key",
      { member: "user:dana@example.com", secretId: secret("signoz-ingestion-key-dana") },
    ],
  ])("lets %s pass", (_, inputs) => expect(rules(reader(inputs))).toEqual([]));

  const toVm = (project: string) =>
    reader({
      member: `serviceAccount:monitoring-vm@${project}.iam.gserviceaccount.com`,
      secretId: inProject(secret("signoz-admin")),
    });

  it("lets the VM read its secrets, and refuses another project's VM", {
    tags: "attack/ci",
  }, () => {
    expect(rules(vm({}), toVm("p"))).toEqual([]);
    expect(rules(vm({}), toVm("evil"))).toEqual(["grants"]);
  });

  it.each(hidings)(
    "refuses a grant to a VM's account beside a VM whose account is %s",
    {
      tags: "attack/ci",
    },
    (_, email) =>
      expect(rules(vm({ serviceAccount: { email } }), toVm("evil"))).toEqual(["grants"]),
  );

  it("lets the VM's account be unknown only in the deployment that makes it, before a secret holds anything", {
    tags: "attack/ci",
  }, () => {
    const grant = reader({ member: unknownValue, secretId: inProject(endpoint) });
    const account = resource("gcp:serviceaccount/account:Account", {});
    const version = resource("gcp:secretmanager/secretVersion:SecretVersion", {});
    const made = { ...account, created: true };
    expect(rules(grant, made, { ...version, created: true })).toEqual([]);
    expect(rules(grant, account)).toEqual(["grants"]);
    expect(rules(grant, made, version)).toEqual(["grants"]);
  });
});

describe("of a tunnel", () => {
  const tunnel = (inputs: object) =>
    resource("gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember", {
      role: "roles/iap.tunnelResourceAccessor",
      ...inputs,
    });

  it.each<[string, object]>([
    [
      "a member that nobody can name",
      { member: unknownValue, condition: { expression: "destination.port == 8080" } },
    ],
    ["a tunnel to every port", { member: "user:a@example.com" }],
    [
      "a tunnel by a lax condition",
      {
        member: "user:a@example.com",
        condition: { expression: "destination.port == 8080 || true" },
      },
    ],
  ])("refuses %s", { tags: "attack/ci" }, (_, inputs) =>
    expect(new Set(rules(tunnel(inputs)))).toEqual(new Set(["grants"])),
  );

  it("lets SigNoz through the tunnel pass", () => {
    const condition = { title: "SigNoz only", expression: "destination.port == 8080" };
    expect(rules(tunnel({ member: "group:leads@example.com", condition }))).toEqual([]);
  });
});
