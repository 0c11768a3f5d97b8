import { execFileSync } from "node:child_process";
import { startGate } from "../../test/real/gate";
import type { Gate } from "./gate";
import { startReceiver } from "./receiver";

/** The real collector with the shipped configuration where `otelcol` is on PATH and takes it, else a receiver here. */
export async function openGate(
  certificate: { pem: string; ca: string },
  keys: string[],
): Promise<Gate> {
  const binary = findOnPath("otelcol");
  if (!binary) return startReceiver(certificate.pem, keys, "no otelcol on PATH");
  try {
    const gate = await startGate({ binary, certificate, keys: keys.join("\n") });
    return {
      ...gate,
      kind: `the real collector, ${binary}`,
      accept: (next) => gate.setKeys(next.join("\n")),
      reloadMs: 1000,
    };
  } catch {
    return startReceiver(certificate.pem, keys, `${binary} does not take otel-collector.yaml`);
  }
}

function findOnPath(name: string): string | undefined {
  try {
    return execFileSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}
