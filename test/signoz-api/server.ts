/**
 * A loopback imitation of the SigNoz v0.138.0 API, as far as provisioning uses it. It enforces what the real
 * server enforces (checked against one): login by context and password, sessions that end, strict bodies,
 * unique names, locked dashboards, the tag query of the dashboard list, one change of retention at a time.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Check } from "./check.js";
import * as schema from "./schema.js";

type Json = Record<string, unknown>;

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Kind {
  path: string;
  create: Check;
  update: Check;
  /** The field that may exist once only. */
  unique?: string;
  duplicateStatus?: number;
}

const kinds: Record<string, Kind> = {
  dashboards: {
    path: "/api/v2/dashboards",
    create: schema.dashboard,
    update: schema.dashboard,
    unique: "name",
    duplicateStatus: 409,
  },
  channels: {
    path: "/api/v1/channels",
    create: schema.channel,
    update: schema.channel,
    unique: "name",
    duplicateStatus: 400,
  },
  views: {
    path: "/api/v2/saved_views",
    create: schema.view,
    update: schema.viewUpdate,
    unique: "name",
    duplicateStatus: 409,
  },
  rules: { path: "/api/v2/rules", create: schema.rule, update: schema.rule },
  quietHours: {
    path: "/api/v1/downtime_schedules",
    create: schema.quietHours,
    update: schema.quietHours,
  },
};

export interface Request {
  method: string;
  path: string;
}

export class SignozImitation {
  readonly objects: Record<string, Map<string, Json>> = {};
  readonly requests: Request[] = [];
  /** Answers that are refused before anything is done, by "METHOD path prefix". */
  readonly faults = new Map<string, number>();
  /** How often readyz still answers 503. */
  notReady = 0;
  private readonly server: Server;
  private tokens = new Set<string>();
  private readonly org = randomUUID();

  private constructor(private readonly user: { email: string; password: string }) {
    for (const kind of Object.keys(kinds)) this.objects[kind] = new Map();
    this.server = createServer((request, response) => {
      this.answer(request).then(
        ([status, body]) => {
          response.writeHead(status, { "content-type": "application/json" });
          response.end(body === undefined ? "" : JSON.stringify(body));
        },
        (error) => {
          response.writeHead(500);
          response.end(String(error));
        },
      );
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

  /** Ends every session, as a restart with another token secret or the end of their 30 minutes does. */
  endSessions(): void {
    this.tokens = new Set();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage): Promise<[number, unknown?]> {
    const url = new URL(request.url ?? "/", this.url);
    const method = request.method ?? "GET";
    this.requests.push({ method, path: url.pathname });
    let text = "";
    for await (const chunk of request) text += chunk;
    try {
      return this.route(method, url, text, request.headers.authorization);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const code = error.status === 409 ? "already_exists" : "invalid_input";
      return [error.status, { status: "error", error: { code, message: error.message } }];
    }
  }

  private route(method: string, url: URL, text: string, authorization = ""): [number, unknown?] {
    const body = () => JSON.parse(text) as Json;
    const ok = (status: number, data?: unknown): [number, unknown] => [
      status,
      { status: "success", data },
    ];
    const path = url.pathname;
    if (path === "/api/v2/readyz") return ok(this.notReady-- > 0 ? 503 : 200, {});
    if (path === "/api/v2/sessions/context") {
      const exists = url.searchParams.get("email") === this.user.email;
      return ok(200, { exists, orgs: exists ? [{ id: this.org, name: "palindrom" }] : [] });
    }
    if (path === "/api/v2/sessions/email_password") {
      const { email, password, orgId } = body();
      if (email !== this.user.email || password !== this.user.password || orgId !== this.org)
        throw new Refusal(401, "incorrect email or password");
      const accessToken = randomUUID();
      this.tokens.add(accessToken);
      return ok(200, { accessToken, tokenType: "bearer", expiresIn: 1799 });
    }
    const token = authorization.replace("Bearer ", "");
    if (!this.tokens.has(token)) throw new Refusal(401, "unauthenticated");
    if (path === "/api/v2/sessions" && method === "DELETE") {
      this.tokens.delete(token);
      return [204];
    }
    for (const [fault, status] of this.faults) {
      const [faultMethod, prefix] = fault.split(" ");
      if (
        method === faultMethod &&
        path.startsWith(prefix ?? "") &&
        text.includes(fault.split(" ")[2] ?? "")
      )
        throw new Refusal(status, "injected fault");
    }
    for (const [name, kind] of Object.entries(kinds))
      if (path === kind.path || path.startsWith(`${kind.path}/`))
        return this.object(name, kind, method, url, text);
    throw new Refusal(404, `no such path ${path}`);
  }

  private object(
    name: string,
    kind: Kind,
    method: string,
    url: URL,
    text: string,
  ): [number, unknown?] {
    const objects = this.objects[name] as Map<string, Json>;
    const [id, action] = url.pathname.slice(kind.path.length + 1).split("/");
    const checked = (check: Check): Json => {
      const errors = check(JSON.parse(text), name);
      if (errors.length > 0) throw new Refusal(400, errors.join("; "));
      return JSON.parse(text) as Json;
    };
    if (!id) {
      if (method === "GET") return [200, { status: "success", data: this.list(name, url) }];
      const body = checked(kind.create);
      if (
        kind.unique &&
        [...objects.values()].some((o) => o[kind.unique ?? ""] === body[kind.unique ?? ""])
      )
        throw new Refusal(kind.duplicateStatus ?? 409, `${kind.unique} already exists`);
      const created = this.stored(name, { ...body, id: randomUUID(), createdAt: now() });
      objects.set(created.id as string, created);
      return [201, { status: "success", data: created }];
    }
    const existing = objects.get(id);
    if (!existing) throw new Refusal(404, `${name} ${id} not found`);
    if (action === "lock") {
      existing.locked = method === "PUT";
      return [204];
    }
    if (method === "GET") return [200, { status: "success", data: existing }];
    if (existing.locked) throw new Refusal(400, "the dashboard is locked");
    if (method === "DELETE") {
      objects.delete(id);
      return [204];
    }
    const body = checked(kind.update);
    if (name === "dashboards" && body.name !== existing.name)
      throw new Refusal(400, "name is immutable");
    const updated = this.stored(name, { ...existing, ...body });
    objects.set(id, updated);
    return [200, { status: "success", data: updated }];
  }

  private stored(name: string, body: Json): Json {
    const stored = { ...body, updatedAt: now() } as Json;
    if (name === "dashboards") return { image: "", locked: false, source: "user", ...stored };
    return stored;
  }

  private list(name: string, url: URL): unknown {
    const all = [...(this.objects[name] as Map<string, Json>).values()];
    if (name !== "dashboards") return all;
    const query = url.searchParams.get("query") ?? "";
    const [, key, value] = /^([\w.-]+) = '([^']*)'$/.exec(query) ?? [];
    if (query && !key) throw new Refusal(400, `cannot parse the query ${query}`);
    const found = all.filter(
      (dashboard) =>
        !key || (dashboard.tags as Json[]).some((tag) => tag.key === key && tag.value === value),
    );
    const limit = Math.min(Number(url.searchParams.get("limit") ?? 20), 200);
    const dashboards = found.slice(0, limit).map(({ spec, ...listed }) => ({
      ...listed,
      spec: { display: (spec as Json).display },
    }));
    return { dashboards, total: found.length, tags: [], reservedKeywords: [] };
  }
}

const now = (): string => new Date().toISOString();
