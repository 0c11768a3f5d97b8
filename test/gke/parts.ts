import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlPlane } from "../real/parts/kubernetes";
import { kubernetesProvider } from "../real/parts/kubernetesProvider";
import { pulumiCli } from "../real/parts/pulumi";

/** Builds what is not built yet; what Go needed on the way, twelve gigabytes, goes with the build. */
export default async function build() {
  const { GOMODCACHE, GOCACHE } = process.env;
  const cache = mkdtempSync(join(tmpdir(), "monitoring-go-"));
  process.env.GOMODCACHE = GOMODCACHE ?? join(cache, "modules");
  process.env.GOCACHE = GOCACHE ?? join(cache, "build");
  try {
    await controlPlane();
    await kubernetesProvider();
    await pulumiCli();
  } finally {
    for (const [name, value] of Object.entries({ GOMODCACHE, GOCACHE }))
      if (value === undefined) delete process.env[name];
    rmSync(cache, { recursive: true, force: true });
  }
}
