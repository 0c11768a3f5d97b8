import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { plain, type Values } from "../simulator/cloud/values.js";
import { type ProgramResult, runProgram } from "../simulator/program.js";

let program: ProgramResult;

beforeAll(async () => {
  program = await runProgram({
    config: {
      // Names that JavaScript would sort as numbers, were they keys of an object.
      ingestionKeyGenerations: ["10", "9"],
      otlpHost: "otlp.palindrom.example",
      dnsZone: "palindrom-zone",
      dataLocations: ["europe-west3", "us-central1"],
      restoreFromSnapshot: "monitoring-data-dev-20261120",
      deletionProtection: false,
      machineType: "e2-standard-4",
    },
  });
});

const all = (type: string) => program.resources.filter((resource) => resource.type === type);
const first = (type: string) => plain<Values>(all(type)[0]?.inputs);

describe("the program with other values than its defaults", () => {
  it("dials, records and certifies an own name", () => {
    expect(program.outputs.otlpUrl).toBe("https://otlp.palindrom.example:4317");
    expect(program.outputs.otlpEndpoint).toBe("203.0.113.10:4317");
    expect(first("gcp:dns/recordSet:RecordSet")).toMatchObject({
      managedZone: "palindrom-zone",
      name: "otlp.palindrom.example.",
      type: "A",
      rrdatas: ["203.0.113.10"],
    });
    const { certPem } = plain<Values>(
      all("tls:index/locallySignedCert:LocallySignedCert")[0]?.state,
    );
    // Google's too: hooks that were shipped before the stack had a name of its own go on.
    for (const host of ["otlp.palindrom.example", "10.113.0.203.bc.googleusercontent.com"])
      expect(new X509Certificate(String(certPem)).checkHost(host)).toBe(host);
  });

  it("keeps snapshots in the disk's own region, the one before it goes too", () => {
    expect(first("gcp:compute/resourcePolicy:ResourcePolicy")).toMatchObject({
      snapshotSchedulePolicy: { snapshotProperties: { storageLocations: "us-central1" } },
    });
    expect(first("gcp:compute/snapshotSettings:SnapshotSettings")).toEqual({
      storageLocation: { policy: "LOCAL_REGION" },
    });
  });

  it("keeps every secret in the regions asked for", () => {
    for (const { name, inputs } of all("gcp:secretmanager/secret:Secret"))
      expect(plain<Values>(inputs).replication, name).toEqual({
        userManaged: { replicas: [{ location: "europe-west3" }, { location: "us-central1" }] },
      });
  });

  it("restores to a disk of another name, so that the old one lives until the new one is there", () => {
    const disk = first("gcp:compute/disk:Disk");
    expect(disk).toMatchObject({
      snapshot: "monitoring-data-dev-20261120",
      createSnapshotBeforeDestroy: true,
    });
    expect(disk.name).toMatch(/^monitoring-dev-data-[0-9a-f]{8}$/);
    expect(all("gcp:compute/disk:Disk")[0]?.options.protect).toBe(true);
  });

  it("keeps generations in the order of the config", () => {
    const versions = program.cloud.google.secrets.get("monitoring-signoz-ingestion-key-secret-dev");
    const keyOf = (generation: string) =>
      plain<Values>(
        all("random:index/randomPassword:RandomPassword").find(({ name }) =>
          name.endsWith(`-key-${generation}`),
        )?.state,
      ).result;
    expect(versions?.map(({ data }) => data)).toEqual([keyOf("10"), keyOf("9")]);
  });

  it("passes machine type and protection on", () => {
    expect(first("gcp:compute/instance:Instance")).toMatchObject({
      machineType: "e2-standard-4",
      deletionProtection: false,
    });
  });
});
