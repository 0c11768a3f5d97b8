import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { parse } from "yaml";
import { exportService, signals } from "../../simulator/otlp";
import type { Exported } from "./gate";
import { countRecords } from "./otlp";

/** What stands behind the gate in tests of its queues: a plain OTLP store that may be down. */
export class Sink {
  private server: grpc.Server | undefined;
  records = 0;
  /** What has come, in its order. */
  readonly received: Exported[] = [];

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
            this.received.push(exportService[signal].requestDeserialize(call.request));
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

/** What another try is for is over in a moment here: ClickHouse's exporters alone must wait for what they remember. */
export const soonAgain = { enabled: true, initial_interval: "1s", max_interval: "1s" };

/** An exporter with the shipped queue and retry before a store that speaks OTLP instead of ClickHouse. */
export function behindQueue(port: number, queue: object = {}) {
  const shipped = readFileSync(join(__dirname, "../../infra/gate/exporters.yaml"), "utf8");
  const { sending_queue, retry_on_failure } = parse(shipped, {
    merge: true,
  }).clickhouselogsexporter;
  return {
    endpoint: `127.0.0.1:${port}`,
    tls: { insecure: true },
    sending_queue: { ...sending_queue, ...queue },
    retry_on_failure,
  };
}
