import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";

const shipped = join(__dirname, "../../infra/vm/store/compose.yaml");

/** A binary of SigNoz' server, which no package registry serves: `go build ./cmd/community` of its repository at v0.138.0. */
export const signozBinary = process.env.SIGNOZ_SERVER;

/** It listens on this port alone, whatever one would have. */
const url = "http://localhost:8080";

/** The real server with the environment that compose.yaml gives it, on a store. */
export class SignozServer {
  readonly url = url;
  readonly user = { email: "admin@example.com", password: "Aa1!example-password" };
  private readonly folder = mkdtempSync(join(tmpdir(), "signoz-"));
  private child?: ChildProcess;
  log = "";

  private constructor(private readonly storePort: number) {}

  static async start(storePort: number): Promise<SignozServer> {
    const server = new SignozServer(storePort);
    await server.open();
    return server;
  }

  async open(): Promise<void> {
    const { services } = parse(readFileSync(shipped, "utf8"), { merge: true });
    const values: Record<string, string> = {
      ADMIN_EMAIL: this.user.email,
      ORG: "test",
      SIGNOZ_URL: url,
    };
    const filled = Object.entries<string>(services.signoz.environment).map(([name, value]) => [
      name,
      value.replace(/\$\{(\w+):\?\}/, (_, variable) => values[variable] ?? ""),
    ]);
    const child = spawn(signozBinary as string, ["server"], {
      cwd: this.folder,
      env: {
        ...{ PATH: process.env.PATH, ...Object.fromEntries(filled) },
        SIGNOZ_USER_ROOT_PASSWORD: this.user.password,
        SIGNOZ_TELEMETRYSTORE_CLICKHOUSE_DSN: `tcp://signoz:secret@127.0.0.1:${this.storePort}`,
        SIGNOZ_SQLSTORE_SQLITE_PATH: join(this.folder, "signoz.db"),
        // The pages are not part of the binary.
        SIGNOZ_WEB_ENABLED: "false",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        this.log += chunk;
      });
    this.child = child;
    for (let waited = 0; waited < 600; waited++) {
      if (child.exitCode !== null) break;
      const ready = await fetch(`${url}/api/v2/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ready) return;
      await sleep(100);
    }
    throw new Error(`SigNoz is not ready:\n${this.log.slice(-3000)}`);
  }

  async close(): Promise<void> {
    const ended = once(this.child as ChildProcess, "exit");
    this.child?.kill("SIGTERM");
    await ended;
  }

  async stop(): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
