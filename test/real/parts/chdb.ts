import { execFileSync } from "node:child_process";
import { cachedPart } from "./cache";

/** ClickHouse's engine in a Python module; 26.1 is the nearest to the 25.12 that ships. */
const engine = "chdb-core==26.1.0";

/** @returns a folder for PYTHONPATH with ClickHouse's engine (158 MB) */
export function chdb(): Promise<string> {
  const version = execFileSync("python3", ["--version"], { encoding: "utf8" });
  return cachedPart("chdb", `${version}${engine}`, (dir) => {
    const options = ["--quiet", "--root-user-action=ignore", "--target", dir];
    execFileSync("python3", ["-m", "pip", "install", ...options, engine], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  });
}
