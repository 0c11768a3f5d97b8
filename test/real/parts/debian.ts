import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { cachedPart } from "./cache";

/** What the VM's image brings along, and what startup.sh installs on it. */
const packages = [
  "ca-certificates,curl,jq,openssl,socat,gzip,systemd,systemd-sysv,e2fsprogs,util-linux,procps,iproute2",
  "docker.io,docker-cli,docker-compose,nftables,unattended-upgrades",
  // In the place of the image that ships: tests run the front as a process.
  "haproxy",
].join(",");

/**
 * The folder of a Debian 13 userland with every package that the VM needs: a chroot, never to be
 * written to (tests put an overlay on it). Needs root and debootstrap; about 2 minutes the first time.
 */
export function debian(): Promise<string> {
  return cachedPart("debian", `trixie minbase ${packages}`, (folder) => {
    execFileSync(
      "debootstrap",
      ["--variant=minbase", `--include=${packages}`, "trixie", join(folder, "root")],
      {
        stdio: ["ignore", "inherit", "inherit"],
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      },
    );
    rmSync(join(folder, "root/var/cache/apt/archives"), { recursive: true, force: true });
  }).then((dir) => join(dir, "root"));
}
