import * as grpc from "@grpc/grpc-js";
import { exportService, signals } from "../../simulator/otlp";
import { countRecords } from "./otlp";

/** What stands behind the gate in tests of its queues: a plain OTLP store that may be down. */
export class Sink {
  private server: grpc.Server | undefined;
  records = 0;

  constructor(readonly port: number) {}

  start(): Promise<void> {
    const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
    for (const signal of signals)
      server.addService(
        { Export: { ...exportService[signal], requestDeserialize: (bytes: Buffer) => bytes } },
        {
          Export: (
            call: grpc.ServerUnaryCall<Buffer, object>,
            answer: grpc.sendUnaryData<object>,
          ) => {
            this.records += countRecords(signal, call.request);
            answer(null, {});
          },
        },
      );
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
