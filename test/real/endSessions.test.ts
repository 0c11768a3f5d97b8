import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { fakeTool, scratchFolder } from "../fakeTool";

const script = join(__dirname, "../../infra/vm/store/end-sessions.sh");
const sql = (database: string, statements: string) =>
  execFileSync("python3", [join(__dirname, "endSessions/sql.py"), database, statements], {
    encoding: "utf8",
  }).trim();
// Tables and columns of SigNoz v0.138.0 that the script reads.
const tables = `CREATE TABLE auth_token (id TEXT PRIMARY KEY, access_token TEXT, user_id TEXT);
  CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, created_at TIMESTAMP);
  CREATE TABLE factor_api_key (id TEXT PRIMARY KEY, name TEXT, key TEXT, created_at TIMESTAMP);
  INSERT INTO auth_token VALUES ('1', 'stolen', 'u1'), ('2', 'own', 'u1');
  INSERT INTO users VALUES ('u1', 'admin@palindrom.example', '2026-01-02'), ('u2', 'eve@elsewhere.example', '2026-11-20');
  INSERT INTO factor_api_key VALUES ('k1', 'backdoor', 'the-key-itself', '2026-11-21');`;

let database: string;
beforeEach(() => {
  database = join(scratchFolder("signoz"), "signoz.db");
  sql(database, tables);
});

const run = (docker: string) => {
  const tool = fakeTool("docker", docker);
  const ended = spawnSync(script, [], {
    env: { ...tool.env, SIGNOZ_DATABASE: database },
    encoding: "utf8",
  });
  return { ...ended, calls: tool.calls() };
};

it("ends every session while SigNoz is stopped, and names who could come back", () => {
  const { status, stdout, calls } = run("exit 0");
  expect([status, calls]).toEqual([
    0,
    ["docker stop monitoring-signoz-1", "docker start monitoring-signoz-1"],
  ]);
  expect(sql(database, "SELECT 1;")).toBe("0");
  expect(stdout).toContain("2 sessions ended");
  expect(stdout.indexOf("eve@elsewhere.example")).toBeLessThan(stdout.indexOf("admin@palindrom"));
  expect(stdout).toContain("backdoor since 2026-11-21");
  expect(stdout).not.toContain("the-key-itself");
});

it("touches nothing when SigNoz cannot be stopped: it would write its sessions back", () => {
  const { status } = run('[ "$1" != stop ]');
  expect(status).not.toBe(0);
  expect(sql(database, "SELECT 1;")).toBe("2");
});

it("starts SigNoz again when the database is not what it expects", () => {
  sql(database, "CREATE TABLE x (y); DROP TABLE users;");
  const { status, calls } = run("exit 0");
  expect([status === 0, calls.at(-1)]).toEqual([false, "docker start monitoring-signoz-1"]);
});
