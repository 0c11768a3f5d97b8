import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort } from "../../simulator/freePort";
import { signals } from "../../simulator/otlp";
import { type Gate, gateName, OtlpClient, run, untilHealthy } from "./gate";
import { collector } from "./parts/collector";

/** Of docs/instrumentation-guide.md; without a queue and retries, what the gate answers is what the client is told. */
export const advised = {
  compression: "none",
  sending_queue: { enabled: false },
  retry_on_failure: { enabled: false },
};

/** A collector of a service's own that sends to the gate, by the gRPC of Go. */
export async function startGoClient(gate: Gate, key: string, settings: object = advised) {
  const dir = mkdtempSync(join(tmpdir(), "go-client-"));
  const [port, healthPort] = [await freePort(), await freePort()];
  const config = {
    extensions: { health_check: { endpoint: `127.0.0.1:${healthPort}` } },
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: {
      otlp: {
        endpoint: `${gate.host}:${gate.port}`,
        tls: { ca_file: join(gate.dir, "ca.pem"), server_name_override: gateName },
        headers: { "signoz-ingestion-key": key },
        ...settings,
      },
    },
    service: {
      extensions: ["health_check"],
      pipelines: Object.fromEntries(
        signals.map((signal) => [signal, { receivers: ["otlp"], exporters: ["otlp"] }]),
      ),
      telemetry: { metrics: { level: "none" } },
    },
  };
  writeFileSync(join(dir, "config.yaml"), stringify(config));
  const child = run(await collector(), ["--config", join(dir, "config.yaml")], {});
  await untilHealthy("client", `http://127.0.0.1:${healthPort}/`, child);
  const client = new OtlpClient({ host: "127.0.0.1", port, certificate: null });
  return {
    send: (...args: Parameters<OtlpClient["send"]>) => client.send(...args),
    stop: async () => {
      client.close();
      await child.stop("SIGTERM");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
