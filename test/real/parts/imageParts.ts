import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cachedPart } from "./cache";

const packages = "wget,busybox-static,ca-certificates";
const source = join(__dirname, "../machine/images/standin");

/**
 * What images are made of that no registry serves here: `debian.tar` (base system without wget), `wget`, `busybox`, `bash/`
 * (bash and its libraries at their places) and `standin`. Needs root, debootstrap and Go; a minute the first time.
 */
export function imageParts(): Promise<string> {
  const program = readFileSync(join(source, "main.go"), "utf8");
  return cachedPart("image-parts", `trixie minbase ${packages}\n${program}`, (folder) => {
    const quiet = { stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"] };
    execFileSync("go", ["build", "-trimpath", "-o", join(folder, "standin"), "."], {
      ...quiet,
      cwd: source,
      env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" },
    });
    const root = join(folder, "root");
    execFileSync(
      "debootstrap",
      ["--variant=minbase", `--include=${packages}`, "trixie", root],
      quiet,
    );
    for (const name of ["wget", "busybox"]) cpSync(join(root, "usr/bin", name), join(folder, name));
    const libraries = execFileSync("chroot", [root, "ldd", "/usr/bin/bash"], { encoding: "utf8" });
    for (const path of ["/bin/bash", ...(libraries.match(/\/\S+(?= \(0x)/g) ?? [])]) {
      mkdirSync(join(folder, "bash", dirname(path)), { recursive: true });
      cpSync(join(root, path), join(folder, "bash", path), { dereference: true });
    }
    const without = [
      "usr/bin/wget",
      "usr/bin/busybox",
      "var/cache",
      "var/lib/apt",
      "usr/share/doc",
    ];
    const excluded = without.map((path) => `--exclude=./${path}`);
    const archive = join(folder, "debian.tar");
    execFileSync("tar", ["-C", root, ...excluded, "-cf", archive, "."], quiet);
    rmSync(root, { recursive: true, force: true });
  });
}
