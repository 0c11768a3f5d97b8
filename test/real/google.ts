import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;

/** What Google answered and was asked, for a test to look at. */
export interface GoogleApi {
  /** Environment in which gcloud dials this server and asks for no credentials. */
  env: NodeJS.ProcessEnv;
  /** Requests that change something, as `POST /v1/…`. */
  writes: string[];
  /** Requests that no route took. */
  strangers: string[];
  /** Remembers something as if it had been created, such as `projects/p#policy`. */
  seed(name: string, thing: Json): void;
  /** What it remembers under the first name that fits. */
  thing(name: RegExp): Json | undefined;
  close(): void;
}

/**
 * The few Google APIs that scripts/bootstrap.sh reaches, on loopback, with a memory: buckets, KMS keys, service accounts,
 * workload identity pools, IAM policies. Errors have Google's own form, since the script tells "not found" by it.
 */
export async function serveGoogle(): Promise<GoogleApi> {
  const things = new Map<string, Json>();
  const writes: string[] = [];
  const strangers: string[] = [];

  function answer(
    method: string,
    asked: string,
    query: URLSearchParams,
    body: Json,
  ): [number, Json] {
    // A service account's address names it in every project.
    const path = asked.replace(/projects\/[^/]+\/serviceAccounts\//, "projects/-/serviceAccounts/");
    const found = (key: string): [number, Json] => {
      const thing = things.get(key);
      return thing
        ? [200, thing]
        : [404, error(404, "NOT_FOUND", `Resource '${key}' was not found`)];
    };
    const create = (key: string, thing: Json): [number, Json] => {
      if (things.has(key)) return [409, error(409, "ALREADY_EXISTS", `${key} already exists`)];
      things.set(key, thing);
      return [200, thing];
    };
    const done = (name: string, response: Json) => ({ name, done: true, response });
    const policy = (key: string) =>
      things.get(`${key}#policy`) ?? { version: 1, etag: "ACAB", bindings: [] };
    let match: RegExpExecArray | null = null;
    const is = (pattern: RegExp) => {
      match = pattern.exec(`${method} ${path}`);
      return match !== null;
    };
    const part = (index: number) => decodeURIComponent(match?.[index] ?? "");

    if (is(/^POST \/v1\/projects\/[^/]+\/services:batchEnable$/))
      return [200, done("operations/noop.DONE_OPERATION", {})];
    if (is(/^POST \/v1\/projects\/[^/]+:getEffectiveOrgPolicy$/)) {
      const policy = /disable/.test(String(body.constraint))
        ? { booleanPolicy: {} }
        : { listPolicy: { allValues: "ALLOW" } };
      return [200, things.get(String(body.constraint)) ?? { ...body, ...policy }];
    }
    if (is(/^GET \/v1\/projects\/([^/:]+)$/))
      return [200, { projectId: part(1), projectNumber: "123456789012", lifecycleState: "ACTIVE" }];
    // IAM policies: of a project or key (:getIamPolicy), of a service account, of a bucket (/iam).
    if (is(/^(?:GET|POST) \/v1\/(.+):getIamPolicy$/)) {
      const key = part(1);
      const listed = key.startsWith("projects/") && key.split("/").length > 2;
      return listed && !things.has(key) ? found(key) : [200, policy(key)];
    }
    if (is(/^POST \/v1\/(.+):setIamPolicy$/)) {
      things.set(`${part(1)}#policy`, body.policy as Json);
      return [200, body.policy as Json];
    }
    if (is(/^GET \/storage\/v1\/b\/([^/]+)\/iam$/))
      return things.has(`b/${part(1)}`) ? [200, policy(`b/${part(1)}`)] : found(`b/${part(1)}`);
    if (is(/^PUT \/storage\/v1\/b\/([^/]+)\/iam$/)) {
      things.set(`b/${part(1)}#policy`, body);
      return [200, body];
    }
    if (is(/^GET \/storage\/v1\/b$/))
      return [
        200,
        { items: [...things].flatMap(([key, it]) => (/^b\/[^#]*$/.test(key) ? [it] : [])) },
      ];
    if (is(/^GET \/compute\/v1\/projects\/[^/]+\/aggregated\/instances$/))
      return [200, { items: {} }];
    if (is(/^GET \/v1\/projects\/[^/]+\/secrets$/)) return [200, {}];
    if (is(/^GET \/v1\/projects\/[^/]+\/serviceAccounts$/))
      return [
        200,
        {
          accounts: [...things].flatMap(([key, it]) =>
            /serviceAccounts\/[^#]*$/.test(key) ? [it] : [],
          ),
        },
      ];
    if (is(/^POST \/v1\/(projects\/[^/]+\/roles)$/)) {
      const name = `${part(1)}/${body.roleId}`;
      return create(name, { ...(body.role as Json), name });
    }
    if (is(/^POST \/v1\/(projects\/[^/]+\/roles\/[^/]+):undelete$/)) {
      things.set(part(1), { ...things.get(part(1)), deleted: false });
      return found(part(1));
    }
    if (is(/^POST \/storage\/v1\/b$/))
      return create(`b/${body.name}`, {
        kind: "storage#bucket",
        id: body.name,
        location: "US-CENTRAL1",
        storageClass: "STANDARD",
        ...body,
      });
    if (is(/^GET \/storage\/v1\/b\/([^/]+)$/)) return found(`b/${part(1)}`);
    if (is(/^PATCH \/storage\/v1\/b\/([^/]+)$/)) {
      things.set(`b/${part(1)}`, { ...things.get(`b/${part(1)}`), ...body });
      return found(`b/${part(1)}`);
    }
    if (is(/^POST \/v1\/(projects\/.*\/(?:keyRings|cryptoKeys))$/)) {
      const id = query.get("keyRingId") ?? query.get("cryptoKeyId");
      return create(`${part(1)}/${id}`, { ...body, name: `${part(1)}/${id}` });
    }
    if (is(/^POST \/v1\/(projects\/[^/]+\/serviceAccounts)$/)) {
      const [, project] = part(1).split("/");
      const email = `${body.accountId}@${project}.iam.gserviceaccount.com`;
      return create(`projects/-/serviceAccounts/${email}`, {
        name: `${part(1)}/${email}`,
        email,
        uniqueId: "1",
      });
    }
    if (is(/^POST \/v1\/(projects\/.*\/(?:workloadIdentityPools|providers))$/)) {
      const id = query.get("workloadIdentityPoolId") ?? query.get("workloadIdentityPoolProviderId");
      const name = `${part(1)}/${id}`;
      const [status, thing] = create(name, { ...body, name, state: "ACTIVE" });
      return [status, status === 200 ? done(`${name}/operations/1`, thing) : thing];
    }
    if (is(/^PATCH \/v1\/(projects\/.*\/providers\/[^/]+)$/)) {
      things.set(part(1), { ...things.get(part(1)), ...body });
      return [200, done(`${part(1)}/operations/2`, things.get(part(1)) ?? {})];
    }
    if (is(/^GET \/v1\/(.*\/operations\/.*)$/)) return [200, done(part(1), {})];
    if (is(/^GET \/v1\/(projects\/.+)$/)) return found(part(1));
    strangers.push(`${method} ${path}`);
    return [501, error(501, "UNIMPLEMENTED", `no route for ${method} ${path}`)];
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const body = await read(request);
    const method = request.method ?? "GET";
    const [status, json] = answer(method, url.pathname, url.searchParams, body);
    if (method !== "GET" && !/:get[A-Z]\w+Policy$/.test(url.pathname))
      writes.push(`${method} ${url.pathname}`);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const apis = ["CLOUDKMS", "IAM", "CLOUDRESOURCEMANAGER", "SERVICEUSAGE", "SECRETMANAGER"];
  return {
    env: {
      ...process.env,
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: "true",
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: "true",
      CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: "true",
      ...Object.fromEntries(
        apis.map((api) => [`CLOUDSDK_API_ENDPOINT_OVERRIDES_${api}`, `${origin}/`]),
      ),
      CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${origin}/storage/v1/`,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${origin}/compute/v1/`,
    },
    writes,
    strangers,
    seed: (name, thing) => things.set(name, thing),
    thing: (name) => [...things].find(([key]) => name.test(key))?.[1],
    close: () => server.close(),
  };
}

const error = (code: number, status: string, message: string) => ({
  error: { code, status, message },
});

async function read(request: IncomingMessage): Promise<Json> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text ? (JSON.parse(text) as Json) : {};
}
