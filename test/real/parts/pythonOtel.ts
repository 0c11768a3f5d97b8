import { execFileSync } from "node:child_process";
import { cachedPart } from "./cache.js";

const packages = ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-grpc==1.45.2"];

/** @returns a folder for PYTHONPATH with the official OpenTelemetry SDK for Python and its gRPC exporter */
export function pythonOtel(): Promise<string> {
  const version = execFileSync("python3", ["--version"], { encoding: "utf8" });
  return cachedPart("python-otel", `${version}${packages}`, (dir) => {
    execFileSync(
      "python3",
      [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--root-user-action=ignore",
        "--target",
        dir,
        ...packages,
      ],
      {
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
  });
}
