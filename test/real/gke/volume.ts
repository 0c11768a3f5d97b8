import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { volumeWriter } from "../parts/volume";

/** A Secret's volume, written by kubelet's own AtomicWriter. */
export class Volume {
  private constructor(
    readonly dir: string,
    private readonly child: ReturnType<typeof spawn>,
  ) {}

  static async mount(files: Record<string, string>): Promise<Volume> {
    const dir = mkdtempSync(join(tmpdir(), "secret-volume-"));
    const child = spawn(await volumeWriter(), [dir], { stdio: ["pipe", "pipe", "inherit"] });
    const volume = new Volume(dir, child);
    await volume.write(files);
    return volume;
  }

  /**
   * What the Secret holds from now on.
   * @returns the name of this version of the volume
   */
  async write(files: Record<string, string>): Promise<string> {
    const written = once(this.child.stdout as NodeJS.ReadableStream, "data");
    this.child.stdin?.write(`${JSON.stringify(files)}\n`);
    await written;
    return readlinkSync(join(this.dir, "..data"));
  }

  unmount(): void {
    this.child.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
