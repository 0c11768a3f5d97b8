import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { defaultGate, type GateOptions } from "../../../infra/gate/options";
import { asMap } from "../../../infra/gke/retention";
import { freePort } from "../../../simulator/freePort";
import { chdb } from "../parts/chdb";
import { migrator } from "../parts/migrator";

const shipped = join(__dirname, "../../../infra/vm/store/clickhouse/config.xml");

/** What answers statements as clickhouse-client writes it. */
export abstract class Tables {
  abstract run(statement: string): Promise<string>;

  query<Row>(select: string): Promise<Row[]> {
    return this.lines(select, "JSONEachRow");
  }

  rows(select: string): Promise<unknown[][]> {
    return this.lines(select, "JSONCompactEachRow");
  }

  private async lines<Row>(select: string, format: string): Promise<Row[]> {
    const text = await this.run(
      `${select} FORMAT ${format} SETTINGS output_format_json_quote_64bit_integers = 0`,
    );
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }
}

/**
 * ClickHouse's engine behind its native protocol, with SigNoz's own schema, the shipped retention and the shipped settings of
 * tables.
 * Not here: Keeper, replicated tables, users (clickhouseUsers.test.ts has them).
 */
export class Store extends Tables {
  private child?: ChildProcess;
  /** What was refused, and why. */
  refused = "";
  private constructor(
    readonly folder: string,
    /** Of the native protocol. */
    readonly port: number,
    readonly httpPort: number,
    private readonly python: string,
  ) {
    super();
  }

  static async start({
    retentionDays = defaultGate.retentionDays,
    folder = mkdtempSync(join(tmpdir(), "store-")),
  } = {}): Promise<Store> {
    mkdirSync(join(folder, "config.d"), { recursive: true });
    const [tables] = /<merge_tree>.*<\/merge_tree>/s.exec(readFileSync(shipped, "utf8")) ?? [];
    writeFileSync(join(folder, "config.d/tables.xml"), `<clickhouse>${tables}</clickhouse>`);
    const store = new Store(folder, await freePort(), await freePort(), await chdb());
    await store.listen();
    // As compose.yaml runs them.
    for (const command of ["ready", "bootstrap", "sync up", "async up", "sync check"])
      await store.migrate(command);
    store.retain(retentionDays);
    return store;
  }

  /** @throws what SigNoz's migrator says of the schema, where it fails */
  async migrate(command: string): Promise<void> {
    const dsn = `--clickhouse-dsn=tcp://migrator:secret@127.0.0.1:${this.port}`;
    execFileSync(await migrator(), ["migrate", ...command.split(" "), dsn, "--timeout=10m"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
  }

  /** Of the engine's HTTP. */
  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  /** Starts the engine on what is in its folder. */
  async listen(): Promise<void> {
    const server = join(__dirname, "server.py");
    const ports = [this.port, this.httpPort].map(String);
    const child = spawn("python3", [server, this.folder, ...ports], {
      cwd: tmpdir(),
      env: { ...process.env, PYTHONPATH: this.python },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    child.stderr.on("data", (chunk) => {
      this.refused += chunk;
    });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the engine ended with ${code}: ${this.refused}`);
    });
    await Promise.race([once(child.stdout, "data"), ended]);
    ended.catch(() => undefined);
  }

  /** The Job of retention as it ships; clickhouse-client is the engine's HTTP. */
  retain(retentionDays: GateOptions["retentionDays"]): void {
    const infra = join(__dirname, "../../../infra");
    for (const file of ["gke/files/retain.sh", "vm/store/retention.sh"])
      copyFileSync(join(infra, file), join(this.folder, basename(file)));
    execFileSync("bash", [join(this.folder, "retain.sh")], {
      env: {
        PATH: `${__dirname}:${process.env.PATH}`,
        ENGINE_PORT: `${this.httpPort}`,
        RETENTION_DAYS: asMap(retentionDays),
      },
    });
  }

  async run(statement: string): Promise<string> {
    const body = Buffer.from(statement);
    const answer = await fetch(this.url, { method: "POST", body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${text}\n  of ${statement}`);
    return text;
  }

  /** @param signal SIGKILL is a crash */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async stop(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
