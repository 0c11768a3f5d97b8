import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedPart } from "./cache";

const kubernetes = "1.36.3";
const main = readFileSync(join(__dirname, "volume/main.go"), "utf8");
const goMod = `module volume

go 1.26.0

require k8s.io/apimachinery v0.${kubernetes.slice(2)}
`;

/**
 * The path of a program that writes a Secret's volume by kubelet's own AtomicWriter. Of Kubernetes its files alone are
 * compiled, since the package around it takes ten times as long (needs Go; about 20 seconds the first time).
 */
export async function volumeWriter(): Promise<string> {
  const dir = await cachedPart("volume", `${kubernetes}${goMod}${main}`, (folder) => {
    const source = join(folder, "source");
    mkdirSync(join(source, "util"), { recursive: true });
    writeFileSync(join(source, "go.mod"), goMod);
    writeFileSync(join(source, "main.go"), main);
    const go = (...args: string[]) =>
      execFileSync("go", args, {
        cwd: source,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, GOWORK: "off" },
      });
    const { Dir } = JSON.parse(go("mod", "download", "-json", `k8s.io/kubernetes@v${kubernetes}`));
    for (const file of ["atomic_writer.go", "atomic_writer_linux.go"])
      copyFileSync(join(Dir, "pkg/volume/util", file), join(source, "util", file));
    go("mod", "tidy");
    go("build", "-trimpath", "-ldflags=-s -w", "-o", join(folder, "volume"), ".");
    rmSync(source, { recursive: true });
  });
  return join(dir, "volume");
}
