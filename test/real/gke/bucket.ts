import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Answer {
  status: number;
  body?: Buffer | string;
  headers?: Record<string, string | number>;
}

/** Where the metadata server answers here; ClickHouse asks port 80 whatever it is told. */
const metadataAddress = "127.80.80.80";
const token = "token-of-clickhouse";

/**
 * Cloud Storage by its XML API as far as ClickHouse uses it (Google Cloud, "XML API overview"), and the metadata server by
 * whose token alone it lets anybody in. What it does not know it refuses.
 */
export class StorageBucket {
  readonly objects = new Map<string, Buffer>();
  /** Requests that came without the token, or that it does not know. */
  readonly refused: string[] = [];
  private constructor(
    private readonly storage: Server,
    private readonly metadata: Server,
  ) {}

  static async start(): Promise<StorageBucket> {
    const bucket: StorageBucket = new StorageBucket(
      createServer((request, response) => bucket.serve(request, response)),
      createServer(({ url = "", headers }, response) => {
        const right =
          url.endsWith("/computeMetadata/v1/instance/service-accounts/default/token") &&
          headers["metadata-flavor"] === "Google";
        if (!right) bucket.refused.push(url);
        response.statusCode = right ? 200 : 403;
        response.end(
          JSON.stringify({ access_token: token, expires_in: 3599, token_type: "Bearer" }),
        );
      }),
    );
    bucket.storage.listen(0, "127.0.0.1");
    bucket.metadata.listen(80, metadataAddress);
    await Promise.all([bucket.storage, bucket.metadata].map((one) => once(one, "listening")));
    return bucket;
  }

  /** As BACKUPS_URL has it. */
  get url(): string {
    return `http://127.0.0.1:${(this.storage.address() as AddressInfo).port}/bucket/`;
  }

  /** What the disk's configuration says differently here. */
  readonly settings = `<metadata_service>${metadataAddress}</metadata_service>`;

  bytesOf(prefix: string): number {
    return [...this.objects]
      .filter(([key]) => key.startsWith(prefix))
      .reduce((all, [, { length }]) => all + length, 0);
  }

  stop(): void {
    for (const one of [this.storage, this.metadata]) {
      one.close();
      one.closeAllConnections();
    }
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { status, body = "", headers = {} } = this.answer(request, Buffer.concat(chunks));
    response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  private answer(request: IncomingMessage, body: Buffer): Answer {
    const { method = "", url = "", headers } = request;
    const { pathname, searchParams } = new URL(url, "http://storage");
    const key = decodeURIComponent(pathname).replace(/^\/bucket\/?/, "");
    if (headers.authorization !== `Bearer ${token}`) {
      this.refused.push(`${method} ${url} without a token`);
      return error(403, "AccessDenied");
    }
    if (method === "GET" && key === "") return this.list(searchParams);
    if (searchParams.size === 0 && method === "PUT") {
      this.objects.set(key, body);
      return { status: 200, headers: { etag: etag(body) } };
    }
    if (searchParams.size === 0 && method === "DELETE")
      return this.objects.delete(key) ? { status: 204 } : error(404, "NoSuchKey");
    if (method === "GET" || method === "HEAD") return this.read(key, headers.range);
    this.refused.push(`${method} ${url}`);
    return error(400, "InvalidArgument");
  }

  private read(key: string, range: string | undefined): Answer {
    const object = this.objects.get(key);
    if (!object) return error(404, "NoSuchKey");
    const headers = {
      etag: etag(object),
      "last-modified": new Date().toUTCString(),
      "content-length": object.length,
    };
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    if (from === undefined) return { status: 200, body: object, headers };
    const body = object.subarray(Number(from), to ? Number(to) + 1 : undefined);
    const at = `bytes ${from}-${Number(from) + body.length - 1}/${object.length}`;
    return {
      status: 206,
      body,
      headers: { ...headers, "content-length": body.length, "content-range": at },
    };
  }

  private list(asked: URLSearchParams): Answer {
    const prefix = asked.get("prefix") ?? "";
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const shown = keys.slice(0, Number(asked.get("max-keys") ?? 1000));
    const contents = shown.map(
      (key) =>
        `<Contents><Key>${key}</Key><Size>${this.objects.get(key)?.length}</Size><LastModified>2026-11-30T00:00:00.000Z</LastModified></Contents>`,
    );
    return {
      status: 200,
      body: `<ListBucketResult><IsTruncated>${keys.length > shown.length}</IsTruncated>${contents.join("")}</ListBucketResult>`,
    };
  }
}

const etag = (body: Buffer) => `"${createHash("md5").update(body).digest("hex")}"`;
const error = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`,
});
