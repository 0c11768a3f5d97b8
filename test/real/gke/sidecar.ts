import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const infra = join(__dirname, "../../../infra");

/** The sidecar as the pod runs it, on folders of a test; with the pod's own socat, also where there is a real one. */
export function startSidecar(secrets: string, run: string) {
  const args = [join(infra, "gate"), secrets, run];
  const child = spawn(join(infra, "gke/files/apply-keys.sh"), args, {
    env: { ...process.env, PATH: `${join(infra, "gke/files")}:${process.env.PATH}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said += chunk;
    });
  return {
    said: () => said,
    stop: async () => {
      const began = performance.now();
      const ended = child.exitCode === null ? once(child, "exit") : Promise.resolve();
      child.kill("SIGTERM");
      await ended;
      return performance.now() - began;
    },
  };
}
