// What surrounds the machine under test, inside its network namespace: the metadata server, Secret
// Manager over HTTP/2 and a SigNoz that says it is ready. Driven by messages of the parent process.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";

/** What the machine finds, as the test sets it; everything may change while it runs. */
export interface Surroundings {
  /** Instance metadata attributes. */
  attributes: Record<string, string>;
  /** Payload by version name; absent: 404. */
  secrets: Record<string, string>;
  /** Answers to give before the true ones, or `every` so many requests, by what is asked for. */
  faults: Partial<
    Record<"token" | "secrets" | "metadata", { status: number; times: number; every?: number }>
  >;
  /** SigNoz answers 503 while false. */
  signozReady: boolean;
  /** Base64 of what SigNoz' port gives for /archive.tar.gz; empty: 404. */
  archive: string;
}

/** What the machine has done: its guest attributes, every write of `stage`, and what it asked for. */
export interface Observed {
  guest: Record<string, string>;
  stages: string[];
  /** Secret versions asked for, with the token they were asked with. */
  asked: { version: string; token: string }[];
}

const token = "ya29.token-of-the-machine";
let now: Surroundings = { attributes: {}, secrets: {}, faults: {}, signozReady: true, archive: "" };
let observed: Observed = { guest: {}, stages: [], asked: [] };
let asked = 0;
const waiting: (() => void)[] = [];

process.on("message", (message: { set?: Partial<Surroundings>; forget?: true }) => {
  if (message.set) {
    now = { ...now, ...message.set };
    for (const answer of waiting.splice(0)) answer();
  }
  if (message.forget) observed = { guest: {}, stages: [], asked: [] };
  process.send?.({ observed });
});

function faulty(
  kind: keyof Surroundings["faults"],
  answer: ServerResponse | Http2ServerResponse,
): boolean {
  const fault = now.faults[kind];
  if (!fault || fault.times <= 0) return false;
  asked += 1;
  if (asked % (fault.every ?? 1) !== 0) return false;
  fault.times -= 1;
  answer.writeHead(fault.status, { "content-type": "application/json" });
  answer.end(JSON.stringify({ error: { status: "INTERNAL", message: `fault ${fault.status}` } }));
  return true;
}

const etag = () =>
  Buffer.from(now.attributes["monitoring-digest"] ?? "")
    .toString("hex")
    .slice(0, 16) || "0";

async function metadata(request: IncomingMessage, answer: ServerResponse) {
  const url = new URL(request.url ?? "/", "http://metadata");
  const path = url.pathname.replace("/computeMetadata/v1/instance/", "");
  if (request.headers["metadata-flavor"] !== "Google") return answer.writeHead(403).end();
  if (path.startsWith("guest-attributes/monitoring/")) {
    const name = path.slice("guest-attributes/monitoring/".length);
    if (request.method === "DELETE") delete observed.guest[name];
    else {
      let body = "";
      for await (const chunk of request) body += chunk;
      observed.guest[name] = body;
      if (name === "stage") {
        observed.stages.push(body);
        process.send?.({ stage: body });
      }
    }
    return answer.end();
  }
  if (path === "service-accounts/default/token") {
    if (faulty("token", answer)) return;
    return answer.end(
      JSON.stringify({ access_token: token, expires_in: 3000, token_type: "Bearer" }),
    );
  }
  if (faulty("metadata", answer)) return;
  if (path === "attributes/") return answer.end(JSON.stringify(now.attributes));
  const name = path.slice("attributes/".length);
  if (
    url.searchParams.get("wait_for_change") === "true" &&
    url.searchParams.get("last_etag") === etag()
  )
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      setTimeout(resolve, Number(url.searchParams.get("timeout_sec")) * 1000).unref();
    });
  const value = now.attributes[name];
  if (value === undefined) return answer.writeHead(404).end();
  answer.writeHead(200, { "content-type": "application/text", etag: etag() });
  return answer.end(value);
}

function secretManager(request: Http2ServerRequest, answer: Http2ServerResponse) {
  if (faulty("secrets", answer)) return;
  const version = (request.url ?? "").replace(/^\/v1\//, "").replace(/:access$/, "");
  const bearer = (request.headers.authorization ?? "").replace("Bearer ", "");
  observed.asked.push({ version, token: bearer });
  const payload = now.secrets[version];
  const refuse = (code: number, status: string, message: string) => {
    answer.writeHead(code, { "content-type": "application/json" });
    answer.end(JSON.stringify({ error: { code, status, message } }));
  };
  if (bearer !== token) return refuse(401, "UNAUTHENTICATED", "no token");
  if (payload === undefined)
    return refuse(404, "NOT_FOUND", `Secret Version [${version}] not found.`);
  answer.end(
    JSON.stringify({ name: version, payload: { data: Buffer.from(payload).toString("base64") } }),
  );
}

const pem = process.env.SURROUNDINGS_PEM ?? "";
const address = process.env.SURROUNDINGS_ADDRESS ?? "127.0.0.1";
createServer((request, answer) => void metadata(request, answer)).listen(
  80,
  "169.254.169.254",
  () => {
    createSecureServer({ cert: pem, key: pem }, secretManager).listen(443, address, () => {
      createServer((request, answer) => {
        const archive = request.url === "/archive.tar.gz";
        const found = archive ? now.archive !== "" : now.signozReady;
        answer.writeHead(found ? 200 : archive ? 404 : 503);
        answer.end(archive ? Buffer.from(now.archive, "base64") : "");
      }).listen(8080, "127.0.0.1", () => process.send?.({ listening: true }));
    });
  },
);
