/** How SigNoz v0.138.0 keeps each kind of object: what it refuses, what it adds. Each rule was seen on a real server. */
import { randomUUID } from "node:crypto";
import type { Check } from "./check.js";
import * as schema from "./schema.js";

export type Json = Record<string, unknown>;

/** An answer other than 2xx. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const now = (): string => new Date().toISOString();

/** Objects of one kind, by id. */
export class Collection {
  readonly byId = new Map<string, Json>();

  constructor(
    readonly path: string,
    private readonly create: Check,
    private readonly replace = create,
  ) {}

  list(_query: URLSearchParams): unknown {
    return [...this.byId.values()];
  }

  find(key: string, value: unknown): Json | undefined {
    return [...this.byId.values()].find((object) => object[key] === value);
  }

  /** The real server takes an unknown field of a rule, a channel or a schedule, and drops it in silence. */
  private checked(check: Check, body: Json): Json {
    const errors = check(body, "body");
    if (errors.length > 0) throw new Refusal(400, errors.join("; "));
    return body;
  }

  /** What stands in the way of a body that is well-formed by itself. */
  protected refuse(_body: Json, _replaced?: Json): void {}
  protected refuseRemoval(_object: Json): void {}
  /** The body as it comes back. */
  protected stored(body: Json): Json {
    return body;
  }

  post(body: Json): Json {
    this.refuse(this.checked(this.create, body));
    const object = { id: randomUUID(), createdAt: now(), updatedAt: now(), ...this.stored(body) };
    this.byId.set(object.id, object);
    return object;
  }

  get(id: string): Json {
    const object = this.byId.get(id);
    if (!object) throw new Refusal(404, `${id} doesn't exist`);
    return object;
  }

  put(id: string, body: Json): void {
    const replaced = this.get(id);
    this.refuse(this.checked(this.replace, body), replaced);
    this.byId.set(id, { ...replaced, ...this.stored(body), updatedAt: now() });
  }

  delete(id: string): void {
    this.refuseRemoval(this.get(id));
    this.byId.delete(id);
  }
}

export class Dashboards extends Collection {
  /** Unlike the real one: lists whatever was asked for, so that a client must look for itself. */
  ignoresQuery = false;

  constructor() {
    super("/api/v2/dashboards", schema.dashboard);
  }

  protected override refuse(body: Json, replaced?: Json): void {
    if (replaced?.locked) throw new Refusal(400, "cannot update a locked dashboard");
    if (replaced && replaced.name !== body.name) throw new Refusal(400, "name is immutable");
    if (!replaced && this.find("name", body.name))
      throw new Refusal(409, "dashboard already exists");
  }

  protected override refuseRemoval({ locked }: Json): void {
    if (locked) throw new Refusal(400, "cannot delete a locked dashboard");
  }

  protected override stored(body: Json): Json {
    const spec = { duration: "", refreshInterval: "", ...(body.spec as Json) };
    return { image: "", locked: false, source: "user", ...body, spec };
  }

  /** Tags by `key = 'value'`; 20 unless told, 200 at most; without the panels. */
  override list(query: URLSearchParams): unknown {
    const text = query.get("query") ?? "";
    const [, key, value] = /^([\w.-]+) = '([^']*)'$/.exec(text) ?? [];
    if (text && !key) throw new Refusal(400, `invalid filter query: ${text}`);
    const found = [...this.byId.values()].filter(
      ({ tags }) =>
        this.ignoresQuery ||
        !key ||
        (tags as Json[]).some((tag) => tag.key === key && tag.value === value),
    );
    const dashboards = found
      .slice(0, Math.min(Number(query.get("limit") ?? 20), 200))
      .map(({ spec, ...rest }) => ({ ...rest, spec: { display: (spec as Json).display } }));
    return { dashboards, total: found.length };
  }
}

export class Rules extends Collection {
  /** Channels a rule's notices are routed to, by id; an update to `usePolicy` leaves them as they were. */
  readonly routes = new Map<string, string[]>();
  /** Rules whose critical notice silences the warning; in memory only, see restart. */
  readonly inhibiting = new Set<string>();

  constructor(private readonly channels: Collection) {
    super("/api/v2/rules", schema.rule);
  }

  channelsOf(rule: Json): string[] {
    const { thresholds } = rule.condition as { thresholds: { spec: { channels?: string[] }[] } };
    return thresholds.spec.flatMap(({ channels = [] }) => channels);
  }

  private usesPolicy = (rule: Json): boolean =>
    (rule.notificationSettings as { usePolicy?: boolean }).usePolicy === true;

  protected override refuse(body: Json): void {
    const channels = this.channelsOf(body);
    if (channels.length === 0 && !this.usesPolicy(body))
      throw new Refusal(400, "at least one channel is required");
    const unknown = channels.filter((name) => !this.channels.find("name", name));
    if (unknown.length > 0)
      throw new Refusal(400, `the following channels do not exist: [${unknown}]`);
  }

  protected override stored(body: Json): Json {
    return { state: "inactive", disabled: false, ...body };
  }

  override post(body: Json): Json {
    const rule = super.post(body);
    this.inhibit(rule.id as string, body);
    if (!this.usesPolicy(body)) this.routes.set(rule.id as string, this.channelsOf(body));
    return rule;
  }

  override put(id: string, body: Json): void {
    super.put(id, body);
    this.inhibit(id, body);
    if (!this.usesPolicy(body)) this.routes.set(id, this.channelsOf(body));
  }

  private inhibit(id: string, body: Json): void {
    const { thresholds } = body.condition as { thresholds: { spec: unknown[] } };
    if (thresholds.spec.length > 1 && !this.usesPolicy(body)) this.inhibiting.add(id);
  }

  override delete(id: string): void {
    super.delete(id);
    this.routes.delete(id);
    this.inhibiting.delete(id);
  }
}

export class Channels extends Collection {
  rules?: Rules;

  constructor() {
    super("/api/v1/channels", schema.channel);
  }

  protected override refuse(body: Json, replaced?: Json): void {
    if (replaced && replaced.name !== body.name)
      throw new Refusal(400, "cannot update channel name");
    if (!replaced && this.find("name", body.name))
      throw new Refusal(400, "the receiver name has to be unique");
  }

  protected override refuseRemoval({ name }: Json): void {
    for (const route of this.rules?.routes.values() ?? [])
      if (route.includes(name as string))
        throw new Refusal(400, `channel "${name}" cannot be deleted because it is used`);
  }

  /** The receiver comes back as text, secrets in clear. */
  protected override stored(body: Json): Json {
    return { name: body.name, type: "some", data: JSON.stringify(body) };
  }
}

export class Views extends Collection {
  constructor() {
    super("/api/v2/saved_views", schema.view, schema.viewUpdate);
  }

  protected override refuse(body: Json, replaced?: Json): void {
    if (!replaced && this.find("name", body.name))
      throw new Refusal(409, `saved view with name ${body.name} already exists`);
  }
}

export class QuietHours extends Collection {
  constructor() {
    super("/api/v1/downtime_schedules", schema.quietHours);
  }

  protected override stored(body: Json): Json {
    return { status: "active", kind: "recurring", ...body };
  }
}
