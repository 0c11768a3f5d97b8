import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { plain, type Values } from "../../../simulator/cloud/values.js";
import { type ProgramResult, runProgram } from "../../../simulator/program.js";
import { fakeTool } from "../../fakeTool.js";

const backupDays = 3;
let program: ProgramResult;
beforeAll(async () => {
  vi.resetModules();
  program = await runProgram({
    config: {
      backend: "gke",
      otlpHost: "otlp.palindrom.example",
      dataLocations: ["us-central1"],
      kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
      backupDays,
    },
  });
});
const of = <T = Values>(type: string, name: string) => {
  const found = program.resources.find(
    (one) => one.type.endsWith(type) && one.name === `monitoring-dev-${name}`,
  );
  if (!found) throw new Error(`no ${type} ${name}`);
  return { ...found, inputs: plain<T>(found.inputs) };
};
interface Rule {
  action: Values;
  condition: { age: number; matchesPrefixes: string[] };
}
const bucket = () => of<Values & { lifecycleRules: Rule[] }>("bucket:Bucket", "backups");
type Pod = Values & { containers: (Values & { env: Values[] })[] };
const podOf = (what: string) =>
  of<{ spec: Values & { jobTemplate: { spec: { template: { spec: Pod } } } } }>("CronJob", what)
    .inputs.spec.jobTemplate.spec.template.spec;
const envOf = (pod: Pod) =>
  Object.fromEntries(pod.containers.flatMap(({ env }) => env.map((one) => [one.name, one])));

describe("the bucket", () => {
  it("lies in the stack's region under its key, and outlives the stack", () => {
    const { inputs, options } = bucket();
    expect(inputs).toMatchObject({
      location: "us-central1",
      encryption: { defaultKmsKeyName: expect.stringContaining("/cryptoKeys/data") },
    });
    expect(inputs.forceDestroy).toBeUndefined();
    expect(options.retainOnDelete).toBe(true);
  });

  it("is for ClickHouse's pods alone, which sign in as the account that it names", () => {
    const { spec } = of<{ spec: { template: { spec: Pod } } }>("StatefulSet", "clickhouse").inputs;
    const pod = spec.template.spec;
    expect(of("BucketIAMMember", "backups-clickhouse").inputs.member).toMatch(
      new RegExp(`/subject/ns/monitoring/sa/${pod.serviceAccountName}$`),
    );
    expect(envOf(pod).BACKUPS_URL?.value).toBe(
      `https://storage.googleapis.com/${bucket().inputs.name}/`,
    );
    const others = program.resources
      .filter(({ type, name }) => /StatefulSet|Job/.test(type) && !name.endsWith("-clickhouse"))
      .filter(({ inputs }) => JSON.stringify(plain(inputs)).includes("serviceAccountName"));
    expect(others).toEqual([]);
  });
});

describe("the jobs", () => {
  it.each([
    ["backup", "backup", false],
    ["restore", "migrator", true],
  ])("%s asks as %s, with a password from a Secret", (what, user, suspend) => {
    const pod = podOf(what);
    expect(of<{ spec: Values }>("CronJob", what).inputs.spec.suspend).toBe(suspend);
    expect(envOf(pod)).toMatchObject({
      CLICKHOUSE_USER: { value: user },
      CLICKHOUSE_PASSWORD: { valueFrom: { secretKeyRef: { key: what } } },
    });
    const { data } = of<{ data: Record<string, string> }>("v1:Secret", "backup-secret").inputs;
    const password = plain<Values>(of("RandomPassword", `clickhouse-${user}`).state).result;
    expect(Buffer.from(data[what] ?? "", "base64").toString()).toBe(password);
  });

  it("run the scripts that are delivered", () => {
    const { data } = of<{ data: Record<string, string> }>("ConfigMap", "backup-files").inputs;
    for (const what of ["backup", "restore"]) {
      const [container] = podOf(what).containers;
      expect(container?.command).toEqual(["bash", `/backup/${what}.sh`]);
      expect(data[`${what}.sh`]).toContain(`${what}.sh`);
    }
  });
});

/** ClickHouse as far as the scripts see it: a file is a backup, and `away` says that it fails. */
const client = fakeTool(
  "clickhouse-client",
  `query="\${@: -1}"
  query=\${query#--query=}
  [ ! -e "$STATE/away" ] || { echo 'Code: 210. DB::NetException: Connection refused' >&2; exit 210; }
  case $query in
    *system.databases*) echo 'DATABASE signoz_logs' ;;
    *system.tables*) echo 12 ;;
    *system.parts*) cat "$STATE/oldest" ;;
    BACKUP*)
      to=$(sed -E "s/.* TO Disk\\('backups', '([^']*)'\\).*/\\1/" <<<"$query")
      base=$(sed -nE "s/.*base_backup = Disk\\('backups', '([^']*)'\\).*/\\1/p" <<<"$query")
      [ ! -e "$STATE/$to" ] || { echo 'Code: 598. (BACKUP_ALREADY_EXISTS)' >&2; exit 86; }
      [ -z "$base" ] || [ -e "$STATE/$base" ] || { echo 'Code: 599. (BACKUP_NOT_FOUND)' >&2; exit 87; }
      echo "$base" >"$STATE/$to" ;;
    RESTORE*)
      from=$(sed -E "s/.* FROM Disk\\('backups', '([^']*)'\\).*/\\1/" <<<"$query")
      [ -e "$STATE/$from" ] || { echo 'Code: 599. (BACKUP_NOT_FOUND)' >&2; exit 87; } ;;
  esac`,
);
const run = (script: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    "bash",
    [join(__dirname, `../../../infra/gke/files/${script}`), ...args],
    {
      env: {
        ...client.env,
        CLICKHOUSE_HOST: "clickhouse",
        CLICKHOUSE_USER: "user",
        CLICKHOUSE_PASSWORD: "s3cret",
        BACKUP_DAYS: "10",
      },
      encoding: "utf8",
    },
  );
  return { status, said: stdout + stderr };
};
const file = (name: string) => join(client.folder, name);
const dayOf = (days: number) => new Date(Date.UTC(2028, 1, 1 + days)).toISOString().slice(0, 10);
const today = () => new Date().toISOString().slice(0, 10);
const empty = () => {
  for (const folder of ["full", "daily"]) {
    rmSync(file(folder), { recursive: true, force: true });
    mkdirSync(file(folder));
  }
  rmSync(file("away"), { force: true });
  writeFileSync(file("oldest"), "");
};

describe("backup.sh", () => {
  it("never builds on what the bucket lets go sooner, whatever fails and whenever it runs", () => {
    empty();
    // A sequence of its own each, always the same.
    let seed = 7;
    const chance = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    const ageOf = (name: string) => {
      const rules = bucket().inputs.lifecycleRules.filter(({ condition }) =>
        condition.matchesPrefixes.some((prefix) => name.startsWith(prefix)),
      );
      expect(rules).toHaveLength(1);
      return rules[0]?.condition.age ?? 0;
    };
    const ends = new Map<string, number>();
    let full = 0;
    for (let days = 0; days < 48; days += 1) {
      // Days in a row on which ClickHouse is away, among them longer than a week.
      const away = chance() < 0.15 || (days > 20 && days < 31);
      if (away) writeFileSync(file("away"), "");
      else rmSync(file("away"), { force: true });
      const at = days + chance() * 0.999;
      for (const [name, end] of ends) if (end < at) rmSync(file(name), { force: true });
      const { status, said } = run("backup.sh", dayOf(days));
      expect([status !== 0, said]).toEqual([
        away,
        expect.stringContaining(away ? "Connection refused" : dayOf(days)),
      ]);
      const [, name = "", base] =
        /^(\S+): (?:everything|what has come since (\S+))$/m.exec(said) ?? [];
      if (away) continue;
      const end = at + ageOf(name);
      ends.set(name, end);
      if (base === undefined) full += 1;
      else expect([name, end < (ends.get(base) ?? 0)]).toEqual([name, true]);
      // What is kept of the last days, from the day that it was promised for.
      expect(end).toBeGreaterThanOrEqual(at + backupDays);
    }
    expect(full).toBeGreaterThan(4);
    expect(full).toBeLessThan(10);
  }, 120_000);

  it("fails aloud where today's is there, and never shows the password", () => {
    empty();
    expect(run("backup.sh").status).toBe(0);
    expect(run("backup.sh").status).toBe(0);
    expect(run("backup.sh")).toEqual({
      status: 1,
      said: expect.stringContaining("BACKUP_ALREADY_EXISTS"),
    });
    expect(client.calls().join()).not.toContain("s3cret");
  });
});

describe("restore.sh", () => {
  it("takes the newest that there is", () => {
    empty();
    const ago = (days: number) =>
      new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
    for (const name of [`full/${ago(5)}`, `daily/${ago(4)}`, `daily/${ago(3)}`])
      writeFileSync(file(name), "");
    expect(run("restore.sh")).toEqual({ status: 0, said: `daily/${ago(3)} is restored\n` });
    expect(run("restore.sh", `full/${ago(5)}`).said).toBe(`full/${ago(5)} is restored\n`);
  });

  it.each([
    ["there is none", [], "there is no backup of the last 10 days"],
    ["there is none of that name", ["daily/2020-01-01"], "there is no such backup"],
  ])("says that %s", (_, args, expected) => {
    empty();
    expect(run("restore.sh", ...args)).toEqual({
      status: 1,
      said: expect.stringContaining(expected),
    });
  });

  it("refuses to store everything twice, and takes what came since the backup for no such thing", () => {
    empty();
    writeFileSync(file(`daily/${today()}`), "");
    writeFileSync(file("oldest"), "20261101");
    expect(run("restore.sh", `daily/${today()}`)).toEqual({
      status: 1,
      said: expect.stringContaining("twice"),
    });
    writeFileSync(file("oldest"), today().replaceAll("-", ""));
    expect(run("restore.sh", `daily/${today()}`).status).toBe(0);
  });
});
