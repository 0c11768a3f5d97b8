import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixture } from "../../fakeTool";
import type { Machine } from "../../hooks/engineerMachine";

export interface Google {
  account?: string;
  /** What Secret Manager says of each secret that there is: a payload, or an error. */
  secrets: Record<string, string>;
}

/** Logs an engineer in at a gcloud that gives these answers. */
export function logIn(made: Machine, { account = "Alice@Palindrom.example", secrets }: Google) {
  const config = join(made.home, ".config/gcloud");
  mkdirSync(join(config, "configurations"), { recursive: true });
  writeFileSync(
    join(config, "configurations/config_work"),
    `[core]\naccount = ${account}\nproject = other\n[compute]\nzone = x\n`,
  );
  writeFileSync(join(config, "active_config"), "work");
  const google = join(made.root, "google");
  rmSync(google, { recursive: true, force: true });
  mkdirSync(google);
  for (const [id, answer] of Object.entries(secrets)) writeFileSync(join(google, id), answer);
  made.fake("gcloud", fixture("real/hooks/gcloud.sh"));
}
