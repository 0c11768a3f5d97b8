/**
 * A stack's config with a stand-in for every encrypted value and no secrets provider.
 * Usage: stand-in-config.ts FILE   (prints YAML)
 */
import { readFileSync } from "node:fs";
import { standInConfig } from "./stand-in";

process.stdout.write(standInConfig(readFileSync(process.argv[2] ?? 0, "utf8")));
