import * as grpc from "@grpc/grpc-js";
import { exportService } from "../otlp";
import type { Gate } from "./gate";

/** A gate in this process: OTLP/gRPC over TLS, for holders of an accepted key. The real one is tried by test/real. */
export async function startReceiver(certificateAndKey: string, keys: string[]): Promise<Gate> {
  let accepted = keys;
  const received: unknown[] = [];
  const server = new grpc.Server();
  const take: grpc.handleUnaryCall<unknown, object> = (call, answer) => {
    const given = call.metadata.get("signoz-ingestion-key");
    if (given.length !== 1 || !accepted.includes(String(given[0])))
      return answer({
        code: grpc.status.UNAUTHENTICATED,
        details: "the ingestion key is not accepted",
      });
    received.push(call.request);
    answer(null, {});
  };
  server.addService(exportService, { metrics: take, logs: take, traces: take });
  const pem = Buffer.from(certificateAndKey);
  const credentials = grpc.ServerCredentials.createSsl(null, [
    { cert_chain: pem, private_key: pem },
  ]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    kind: "an OTLP/gRPC receiver in this process",
    port,
    reloadMs: 0,
    accept: (next) => {
      accepted = next;
    },
    received: () => received as ReturnType<Gate["received"]>,
    stop: async () => server.forceShutdown(),
  };
}
