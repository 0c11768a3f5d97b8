import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = (name: string) => join(__dirname, name);
const sh = (script: string) => execFileSync("sh", ["-euc", script]);

/** A disk whose power can be cut: what no fsync has brought to it is gone then. Needs root. */
export class Disk {
  private readonly dir = mkdtempSync(join(tmpdir(), "disk-"));
  private image = join(this.dir, "disk.img");
  readonly folder = join(this.dir, "disk");

  constructor() {
    execFileSync(here("make-disk.sh"), [this.image, this.folder]);
  }

  /** Writes down what is on it so far, as if that were old. */
  settle() {
    execFileSync("sync", ["--file-system", this.folder]);
  }

  /** From now on it answers nothing. */
  cutPower() {
    execFileSync("python3", [here("cut-power.py"), this.folder]);
  }

  /** Gives it power again, once nobody holds a file of it any more. */
  powerOn() {
    // A copy: another test's machine may still hold the dead file system in its own mounts.
    const after = `${this.image}.after`;
    sh(
      `umount ${this.folder}; cp --sparse=always ${this.image} ${after}; mount -o loop ${after} ${this.folder}`,
    );
    this.image = after;
  }

  remove() {
    sh(`! mountpoint -q ${this.folder} || umount ${this.folder}; rm -rf ${this.dir}`);
  }
}
