import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Arguments of nsenter that lead into the namespaces of a process. */
export function namespaces(holder: ChildProcess): string[] {
  return [`--net=/proc/${holder.pid}/ns/net`, `--mount=/proc/${holder.pid}/ns/mnt`];
}

/** Runs a command in the namespaces of a process; throws when it fails. */
export function enter(holder: ChildProcess, command: string[], input = ""): string {
  return execFileSync("nsenter", [...namespaces(holder), ...command], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** The kernel resizes a mounted file system for CAP_SYS_RESOURCE (24) only, which a sandbox may lack. */
export function mayResizeOnline(): boolean {
  const effective = /CapEff:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> 24n) & 1n) === 1n;
}
