import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { freePort } from "../../../simulator/freePort";
import { run, untilHealthy } from "../gate";
import { haproxy } from "../parts/haproxy";

/** What stands for the Service before the gates: service.cfg says how far. */
export class Service {
  private constructor(
    readonly port: number,
    private readonly dir: string,
    private readonly running: ReturnType<typeof run>,
  ) {}

  static async start(gatePorts: number[]): Promise<Service> {
    const dir = mkdtempSync(join(tmpdir(), "service-"));
    const [port, healthPort] = [await freePort(), await freePort()];
    const running = run(await haproxy(), ["-db", "-f", join(__dirname, "service.cfg")], {
      SERVICE_SOCKET: join(dir, "admin.sock"),
      SERVICE_BIND: `127.0.0.1:${port}`,
      SERVICE_HEALTH_BIND: `127.0.0.1:${healthPort}`,
    });
    await untilHealthy("service", `http://127.0.0.1:${healthPort}/health`, running);
    const service = new Service(port, dir, running);
    for (const [index, gatePort] of gatePorts.entries()) {
      await service.ask(`set server gates/gate${index + 1} addr 127.0.0.1 port ${gatePort}`);
      await service.send(index, true);
    }
    return service;
  }

  /** Whether it sends new connections to a gate. */
  async send(gate: number, whether: boolean): Promise<void> {
    await this.ask(`set server gates/gate${gate + 1} state ${whether ? "ready" : "drain"}`);
  }

  private ask(command: string): Promise<string> {
    return text(connect(join(this.dir, "admin.sock")).end(`${command}\n`));
  }

  async stop(): Promise<void> {
    await this.running.stop("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }
}
