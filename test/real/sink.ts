import * as grpc from "@grpc/grpc-js";
import { countRecords } from "./otlp";

/** What stands behind the gate in tests of its queues: a plain OTLP store that may be down. */
export class Sink {
  private server: grpc.Server | undefined;
  records = 0;

  constructor(readonly port: number) {}

  start(): Promise<void> {
    const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
    const method = (path: string) => ({
      Export: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    });
    for (const name of [
      "logs.v1.LogsService",
      "trace.v1.TraceService",
      "metrics.v1.MetricsService",
    ])
      server.addService(method(`/opentelemetry.proto.collector.${name}/Export`), {
        Export: (
          call: grpc.ServerUnaryCall<Buffer, Buffer>,
          answer: grpc.sendUnaryData<Buffer>,
        ) => {
          this.records += countRecords(call.request);
          answer(null, Buffer.alloc(0));
        },
      });
    this.server = server;
    return new Promise((resolve, reject) =>
      server.bindAsync(
        `127.0.0.1:${this.port}`,
        grpc.ServerCredentials.createInsecure(),
        (error) => (error ? reject(error) : resolve()),
      ),
    );
  }

  stop() {
    this.server?.forceShutdown();
    this.server = undefined;
  }
}
