import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Backend, BackendArgs } from "../../infra/backend.js";
import { plain, type Values } from "../../simulator/cloud/values.js";
import { type ProgramResult, runProgram } from "../../simulator/program.js";

let taken: BackendArgs;

/** All that another backend needs to be, so that the rest of the program runs on it. */
class Elsewhere extends pulumi.ComponentResource implements Backend {
  readonly gate = {
    address: pulumi.output("198.51.100.7"),
    host: pulumi.output("otlp.elsewhere.example"),
  };
  readonly version = pulumi.output("v7");
  readonly machine = pulumi.output("cluster-1");
  readonly progress = pulumi.output("echo applied=v7");
  readonly log = pulumi.output("kubectl logs gate");

  constructor(name: string, args: BackendArgs, opts?: pulumi.ComponentResourceOptions) {
    super("test:index:Elsewhere", name, {}, opts);
    taken = args;
  }
}

describe("a backend of a few lines", () => {
  let program: ProgramResult;

  beforeAll(async () => {
    vi.doMock("../../infra/backends.js", () => ({ backendOf: () => Elsewhere }));
    program = await runProgram({ config: { personalKeyEmails: ["dana@palindrom.example"] } });
  });
  afterAll(() => vi.doUnmock("../../infra/backends.js"));

  it("gets the whole program, without a VM or a disk", () => {
    const types = program.resources.map(({ type }) => type.split(":").at(-1));
    for (const type of ["Instance", "Disk", "ResourcePolicy"]) expect(types).not.toContain(type);
    for (const type of ["Network", "Firewall", "Secret", "SecretIamMember", "Command"])
      expect(types).toContain(type);
    expect(Object.keys(program.outputs)).toHaveLength(7);
    expect(String(program.outputs.telemetryHook)).toContain("BEGIN CERTIFICATE");
  });

  it("is asked by the ready check, in its own words, where its gate is", () => {
    const command = program.resources.find(({ type }) => type === "command:local:Command");
    expect(plain<Values>(command?.inputs)).toMatchObject({
      triggers: ["v7", "cluster-1"],
      environment: {
        GATE_HOST: "otlp.elsewhere.example",
        GATE_ADDRESS: "198.51.100.7",
        READY_VERSION: "v7",
        READY_PROGRESS: "echo applied=v7",
        READY_LOG: "kubectl logs gate",
      },
    });
    expect(program.outputs.otlpEndpoint).toBe("198.51.100.7:4317");
  });

  it("is given every secret by version, as one that may read each", async () => {
    const secrets = await new Promise<object>((resolve) =>
      pulumi.output(taken.secrets).apply(resolve),
    );
    const versions = Object.values(secrets).flat();
    expect(versions).toHaveLength(6);
    for (const version of versions) expect(version).toMatch(/^projects\/.*\/versions\/\d+$/);
    const readable = program.resources
      .filter(({ name }) => name.endsWith("-read-by-gate"))
      .map(({ inputs }) => String(plain<Values>(inputs).secretId).split("/").at(-1));
    for (const version of versions) expect(readable).toContain(String(version).split("/")[3]);
  });
});

it("knows of a VM in one room only: what every backend shares does not say how one of them works", async () => {
  const { readFileSync, readdirSync } = await import("node:fs");
  const shared = [
    "index.ts",
    ...["infra", "infra/config", "infra/ready", "hooks"].flatMap((folder) =>
      readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
        .map(({ name }) => `${folder}/${name}`),
    ),
    "infra/ready/wait-for-gate.sh",
  ].filter((file) => file !== "infra/backends.ts");
  const code = (file: string) => readFileSync(file, "utf8").replace(/^\s*(\/\/|\/?\*|#).*$/gm, "");
  const knowing = shared.filter((file) =>
    /\bvm\b(?!")|infra\/vm|compute\/instance"/.test(code(file)),
  );
  expect(knowing).toEqual([]);
});
