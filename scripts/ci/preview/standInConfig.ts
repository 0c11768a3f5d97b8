/**
 * A stack's config with a stand-in for every encrypted value and no secrets provider.
 * Usage: stand-in-config.ts FILE             prints YAML, the stand-ins in clear
 *        stand-in-config.ts FILE --secrets   prints what `pulumi config set-all --path --secret` takes, one a line
 */
import { readFileSync } from "node:fs";
import { standInConfig, standInSecrets } from "./standIn";

const [, , file = "", mode] = process.argv;
const yaml = readFileSync(file, "utf8");
process.stdout.write(
  mode === "--secrets"
    ? standInSecrets(yaml)
        .map((line) => `${line}\n`)
        .join("")
    : standInConfig(yaml),
);
