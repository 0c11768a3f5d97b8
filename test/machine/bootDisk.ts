import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ContainerMachine } from "../real/machine/containerMachine";
import { defaultSettings } from "../real/machine/delivered";
import { adapterDir, imagesDir, storeImages } from "../real/machine/storeImages";
import { cachedPart } from "../real/parts/cache";
import { chdb } from "../real/parts/chdb";
import { signozExporters } from "../real/parts/collector";
import { debian } from "../real/parts/debian";
import { haproxy } from "../real/parts/haproxy";
import { imageParts } from "../real/parts/imageParts";
import { migrator } from "../real/parts/migrator";

/** What the boot disk has beyond Debian. */
const content = join(__dirname, "bootDisk");
const build = join(__dirname, "host/build.sh");

/** The boot disk of a machine that was never booted, with the images of storeImages; 3 minutes the first time. */
export async function bootDisk(): Promise<string> {
  const parts = [debian, imageParts, signozExporters, haproxy, chdb, migrator];
  const recipe = JSON.stringify([
    defaultSettings().images,
    ...(await Promise.all(parts.map((part) => part()))),
    readFileSync(build, "utf8"),
    ...[content, imagesDir, adapterDir].flatMap(texts),
  ]);
  const dir = await cachedPart("boot-disk", recipe, async (folder) => {
    const docker = join(folder, "docker");
    const machine = await ContainerMachine.with(64, storeImages);
    try {
      await machine.imagesInto(docker);
    } finally {
      await machine.stop();
    }
    execFileSync(build, [await debian(), docker, join(folder, "boot.img")], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    rmSync(docker, { recursive: true });
  });
  return join(dir, "boot.img");
}

function texts(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => `${file.slice(dirname(dir).length)}\n${readFileSync(file, "utf8")}`);
}
