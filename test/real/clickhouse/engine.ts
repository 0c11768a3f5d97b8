import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chdb } from "../parts/chdb";

const shipped = join(__dirname, "../../../infra/vm/store/clickhouse/users.xml");
/** Of a cluster alone. */
const backupUser = join(__dirname, "../../../infra/gke/files/backup-user.xml");
const hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

/** Half of ClickHouse's memory on the machine, here. */
export const maxQueryBytes = 1_000_000_000;

export interface Answer {
  ok: boolean;
  /** Tab-separated rows, or ClickHouse's error. */
  text: string;
}

/**
 * ClickHouse's engine with the very users.xml that ships, and a cluster of one as the server has it.
 * What it cannot show, since it is no server: access_control_improvements (grants on system tables),
 * remote_url_allow_hosts, passwords, limits of
 * results and of time, quotas, where the function file() may read, the protocols.
 */
export class Engine {
  private waiting: ((answer: Answer) => void)[] = [];
  private constructor(
    private readonly child: ChildProcess,
    /** Outlives the engine, unless stop() removes it. */
    readonly folder: string,
  ) {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      const [ok, text] = JSON.parse(line);
      this.waiting.shift()?.({ ok, text });
    });
    child.on("exit", (code) => {
      for (const answer of this.waiting.splice(0))
        answer({ ok: false, text: `the engine ended with ${code}` });
    });
  }

  /**
   * @param viewer whether the session is user `signoz` alone, under the engine's name for who is not told: what is run
   *   through EXECUTE AS counts as the server's own, and may CREATE whatever the grants are
   * @param folder of an engine that has ended
   */
  static async start(
    viewer = false,
    folder = mkdtempSync(join(tmpdir(), "engine-")),
  ): Promise<Engine> {
    const python = await chdb();
    mkdirSync(join(folder, "users.d"), { recursive: true });
    const users = (text: string) => `<clickhouse><users>${text}</users></clickhouse>`;
    const open =
      "<default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota><access_management>1</access_management></default>";
    writeFileSync(
      join(folder, "users.xml"),
      `<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users>${open}</users></clickhouse>`,
    );
    const text = readFileSync(shipped, "utf8");
    const [viewers = ""] = /(?<=<users>.*)<signoz>.*?<\/signoz>/s.exec(text) ?? [];
    writeFileSync(join(folder, "users.d/monitoring.xml"), text);
    copyFileSync(backupUser, join(folder, "users.d/backup-user.xml"));
    writeFileSync(
      join(folder, "users.d/passwords.xml"),
      users(
        ["signoz", "collector", "migrator", "backup"]
          .map((user) => `<${user}><password_sha256_hex>${hash}</password_sha256_hex></${user}>`)
          .join(""),
      ),
    );
    writeFileSync(
      join(folder, "users.d/zz-test.xml"),
      users(
        viewer
          ? viewers
              .replace("<signoz>", "<default><password></password>")
              .replace(/<\/signoz>$/, "</default>")
          : open,
      ),
    );
    writeFileSync(
      join(folder, "config.xml"),
      `<clickhouse>
        <allow_impersonate_user>1</allow_impersonate_user><users_config>${folder}/users.xml</users_config>
        <tcp_port>9000</tcp_port>
        <storage_configuration><disks><backups><type>local</type><path>${folder}/backups/</path></backups></disks></storage_configuration>
        <backups><allowed_disk>backups</allowed_disk></backups>
        <remote_servers><cluster><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></cluster></remote_servers>
      </clickhouse>`,
    );
    const child = spawn("python3", [join(__dirname, "engine.py"), folder], {
      cwd: tmpdir(),
      env: {
        ...process.env,
        PYTHONPATH: python,
        CLICKHOUSE_MAX_QUERY_BYTES: String(maxQueryBytes),
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    return new Engine(child, folder);
  }

  /** @param user a user of users.xml; none is `default`, who may everything and does not ship */
  as(
    user: "signoz" | "collector" | "migrator" | "backup" | "",
    statement: string,
  ): Promise<Answer> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.child.stdin?.write(`${JSON.stringify([user, statement])}\n`);
    });
  }

  async stop(remove = true) {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin?.end();
    await ended;
    if (remove) rmSync(this.folder, { recursive: true, force: true });
  }
}
