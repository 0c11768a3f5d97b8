/**
 * A loopback imitation of the SigNoz v0.138.0 API, as far as provisioning uses it: login by context and
 * password, sessions that end, and the objects of objects.ts. Statuses and messages are a real server's.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  Channels,
  type Collection,
  Dashboards,
  type Json,
  QuietHours,
  Refusal,
  Rules,
  Views,
} from "./objects.js";

export interface Fault {
  method: string;
  path: RegExp;
  /** Only requests whose body holds it. */
  body?: string;
  status: number;
  message: string;
  /** How often; absent = always. */
  times?: number;
}

export class SignozImitation {
  readonly dashboards = new Dashboards();
  readonly channels = new Channels();
  readonly rules = new Rules(this.channels);
  readonly views = new Views();
  readonly quietHours = new QuietHours();
  /** Requests that change something, as "METHOD path". */
  readonly writes: string[] = [];
  faults: Fault[] = [];
  /** How often readyz still answers 503. */
  notReady = 0;
  /** How often the organisation's alertmanager is still to be started; it then begins without inhibit rules. */
  alertmanagerIn = 0;
  logins = 0;
  /** Requests a session lives for. */
  sessionRequests = Number.POSITIVE_INFINITY;
  private readonly sessions = new Map<string, number>();
  private readonly org = randomUUID();
  private readonly server: Server;

  private constructor(private readonly user: { email: string; password: string }) {
    this.channels.rules = this.rules;
    this.server = createServer(async (request, response) => {
      const [status, body] = await this.answer(request);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body === undefined ? "" : JSON.stringify(body));
    });
  }

  static async start(user: { email: string; password: string }): Promise<SignozImitation> {
    const imitation = new SignozImitation(user);
    await new Promise<void>((resolve) => imitation.server.listen(0, "127.0.0.1", resolve));
    return imitation;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** What a restart of the process loses; everything else is in its database. */
  restart(): void {
    this.rules.inhibiting.clear();
    this.sessions.clear();
  }

  private async answer(request: IncomingMessage): Promise<[number, unknown?]> {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { method = "GET", headers } = request;
    try {
      return this.route(method, new URL(request.url ?? "/", this.url), text, headers.authorization);
    } catch (error) {
      if (!(error instanceof Refusal)) return [500, { error: { message: String(error) } }];
      const { status, message } = error;
      return [status, { status: "error", error: { message, errors: [], suggestions: [] } }];
    }
  }

  private route(method: string, url: URL, text: string, authorization = ""): [number, unknown?] {
    const path = url.pathname;
    if (path === "/api/v2/readyz") return [this.notReady-- > 0 ? 503 : 200, {}];
    if (path === "/api/v2/sessions/context") {
      const exists = url.searchParams.get("email") === this.user.email;
      return [200, { status: "success", data: { exists, orgs: [{ id: this.org }] } }];
    }
    if (path === "/api/v2/sessions/email_password") return this.logIn(JSON.parse(text));
    const token = authorization.replace(/^Bearer /, "");
    const left = this.sessions.get(token) ?? 0;
    if (left <= 0) throw new Refusal(401, "unauthenticated");
    this.sessions.set(token, left - 1);
    if (path === "/api/v2/sessions") {
      this.sessions.delete(token);
      return [204];
    }
    const fault = this.faults.find(
      (fault) =>
        fault.method === method &&
        fault.path.test(path) &&
        text.includes(fault.body ?? "") &&
        fault.times !== 0,
    );
    if (fault) {
      if (fault.times) fault.times--;
      throw new Refusal(fault.status, fault.message);
    }
    if (path === "/api/v1/alerts") {
      if (this.alertmanagerIn > 0 && --this.alertmanagerIn >= 0)
        throw new Refusal(404, `alertmanager not found for org ${this.org}`);
      return [200, { status: "success", data: [] }];
    }
    if (method !== "GET") this.writes.push(`${method} ${path}`);
    const body = text ? JSON.parse(text) : {};
    for (const objects of [
      this.dashboards,
      this.channels,
      this.rules,
      this.views,
      this.quietHours,
    ] as Collection[])
      if (path === objects.path || path.startsWith(`${objects.path}/`))
        return this.object(objects, method, url, body);
    throw new Refusal(404, `no such path ${path}`);
  }

  private logIn({ email, password, orgId }: Json): [number, unknown] {
    if (email !== this.user.email || password !== this.user.password || orgId !== this.org)
      throw new Refusal(401, "invalid email or password");
    const accessToken = randomUUID();
    this.sessions.set(accessToken, this.sessionRequests);
    this.logins++;
    return [200, { status: "success", data: { accessToken, expiresIn: 1799 } }];
  }

  private object(objects: Collection, method: string, url: URL, body: Json): [number, unknown?] {
    const [id, action] = url.pathname.slice(objects.path.length + 1).split("/");
    const found = (data: unknown, status = 200): [number, unknown] => [
      status,
      { status: "success", data },
    ];
    if (!id) {
      if (method === "GET") return found(objects.list(url.searchParams));
      const created = objects.post(body);
      return found(objects === this.views ? { id: created.id } : created, 201);
    }
    if (action === "lock") {
      objects.get(id).locked = method === "PUT";
      return [204];
    }
    if (method === "GET") return found(objects.get(id));
    if (method === "DELETE") objects.delete(id);
    else objects.put(id, body);
    return [204];
  }
}
