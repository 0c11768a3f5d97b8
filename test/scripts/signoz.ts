import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import type { Certificate } from "../../simulator/certificate";

/** Rows that queries answer with: [engineer, value] by signal. */
export type Rows = Record<"metrics" | "logs" | "traces", [string, number][]>;

/**
 * An imitation of the calls of SigNoz v0.138 that verify-telemetry.sh makes: the session's context, the login, the
 * scalar query and the end of the session. A log query for a marker is answered from what `gate` took in.
 */
export async function startSignoz(rows: Rows, gate?: { bodies: Buffer[] }) {
  const requests: { path: string; token?: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const path = request.url?.split("?")[0] ?? "";
    requests.push({ path, token: request.headers.authorization, body });
    const send = (status: number, data: unknown) =>
      response.writeHead(status).end(JSON.stringify(data));
    if (path === "/api/v2/readyz") return send(200, { status: "success", data: { healthy: true } });
    if (path === "/api/v2/sessions/context") {
      return send(200, { status: "success", data: { exists: true, orgs: [{ id: "org-1" }] } });
    }
    if (request.method === "DELETE" && path === "/api/v2/sessions")
      return response.writeHead(204).end();
    if (body === "") return send(400, { status: "error", error: { message: "no body" } });
    const input = JSON.parse(body);
    if (path === "/api/v2/sessions/email_password") {
      if (input.password !== "right" || input.orgId !== "org-1") {
        return send(401, {
          status: "error",
          error: { code: "unauthenticated", message: "wrong password" },
        });
      }
      return send(200, { status: "success", data: { accessToken: "token-1" } });
    }
    if (request.headers.authorization !== "Bearer token-1") return send(401, { status: "error" });
    const { spec } = input.compositeQuery.queries[0];
    const marker = /CONTAINS '(.*)'/.exec(spec.filter.expression)?.[1];
    const found = gate?.bodies.some((bytes) => marker && bytes.includes(marker)) ? 1 : 0;
    const group = { name: "engineer", columnType: "group" };
    const value = { name: "__result", columnType: "aggregation", aggregationIndex: 0 };
    const result = marker
      ? { columns: [value], data: [[found]] }
      : { columns: [group, value], data: rows[spec.signal as keyof Rows] };
    send(200, {
      status: "success",
      data: { type: "scalar", data: { results: [{ queryName: "A", ...result }] } },
    });
  });
  return { requests, ...(await listening(server)) };
}

/** A gate that takes gRPC exports with one key over TLS and keeps what it took. */
export async function startKeyedGate(certificate: Certificate, key: string) {
  const bodies: Buffer[] = [];
  const server = createSecureServer({ cert: certificate.pem, key: certificate.pem });
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
    stream.on("end", () => {
      const accepted = headers["signoz-ingestion-key"] === key;
      if (accepted) bodies.push(Buffer.concat(chunks));
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () =>
        stream.sendTrailers({ "grpc-status": accepted ? "0" : "16" }),
      );
      stream.end();
    });
  });
  return { bodies, ...(await listening(server)) };
}

async function listening(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => server.close() };
}
