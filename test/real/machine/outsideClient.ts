import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Signal } from "../../../simulator/otlp";

/**
 * Runs a program of the test in the network of a process, where a machine's network card leads to.
 * @param address of the gate, which the program finds in its environment together with `ca`
 */
export function forkBeyond(
  beyond: ChildProcess,
  address: string,
  ca: string,
  file: string,
  ...args: string[]
): ChildProcess {
  return fork(file, args, {
    execPath: "nsenter",
    execArgv: [`--net=/proc/${beyond.pid}/ns/net`, process.execPath, "--import", "tsx"],
    env: { ...process.env, GATE_ADDRESS: address, GATE_CA: ca },
    serialization: "advanced",
  });
}

/** A client there, whose send tells gRPC's status. */
export function clientBeyond(beyond: ChildProcess, address: string, ca: string) {
  const child = forkBeyond(beyond, address, ca, join(__dirname, "outside.ts"));
  const waiting = new Map<number, (status: number) => void>();
  let sent = 0;
  child.on("message", ({ id, status }: { id: number; status: number }) => {
    waiting.get(id)?.(status);
    waiting.delete(id);
  });
  return {
    send: (signal: Signal, request: Buffer, key = "shared-key-1") =>
      new Promise<number>((resolve) => {
        waiting.set(++sent, resolve);
        child.send({ id: sent, signal, request, key });
      }),
    close: () => child.disconnect(),
  };
}
