import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { deliveredFiles } from "../../infra/vm/delivery";
import { encode, type Signal, signals } from "../../simulator/otlp";
import { sessions } from "./clickhouse/sessions";
import { Store } from "./clickhouse/store";
import { Disk } from "./disk/disk";
import { type Gate, OtlpClient, startGate } from "./gate";
import { signozExporters } from "./parts/collector";
import { attributes, one } from "./requests";

const key = { "signoz-ingestion-key": "shared-key" };

// The collector's queue and ClickHouse's data on one disk, as on the machine.
describe.skipIf(process.getuid?.() !== 0)("a power cut (needs root)", () => {
  let disk: Disk;
  let gate: Gate | undefined;
  let store: Store | undefined;
  beforeAll(async () => {
    await signozExporters();
  }, 900_000);
  afterEach(async () => {
    await gate?.stop("SIGKILL");
    await store?.stop();
    disk.remove();
  });

  it.each([
    // Some of what was sent is in the queue, some is inserted.
    ["while clients send", []],
    ["when all is inserted, and some merged", ["signoz_logs.logs_v2", "signoz_metrics.samples_v4"]],
  ])("%s loses nothing that the gate has said OK to", async (_, merged) => {
    disk = new Disk();
    const start = (storePort: number) =>
      startGate({ keys: "shared-key", queueDir: `${disk.folder}/queue`, storePort });
    store = await Store.start({ folder: `${disk.folder}/store` });
    gate = await start(store.port);
    // Configuration and schema, which here are a few seconds old.
    disk.settle();
    const client = new OtlpClient(gate);
    const acknowledged: Record<Signal, string[]> = { metrics: [], logs: [], traces: [] };
    for (let number = 0, end = Date.now() + 15_000; Date.now() < end; number++)
      for (const signal of signals) {
        const record = { attributes: attributes([["session.id", `cut-${number}`]]) };
        if ((await client.send(signal, encode(signal, [one(signal, { record })]), key)) === 0)
          acknowledged[signal].push(`cut-${number}`);
      }
    client.close();
    if (merged.length > 0) await sleep(6000);
    for (const table of merged) await store.run(`OPTIMIZE TABLE ${table} FINAL`);
    disk.cutPower();
    await Promise.all([gate.stop("SIGKILL"), store.end("SIGKILL")]);
    disk.powerOn();
    await store.listen();
    gate = await start(store.port);
    const lost = async () =>
      Promise.all(
        signals.map(async (signal) => {
          const stored = await sessions(store as Store, signal, "cut-");
          return acknowledged[signal].filter((session) => !stored[session]);
        }),
      );
    await expect.poll(lost, { timeout: 60_000, interval: 1000 }).toEqual([[], [], []]);
    for (const signal of signals) expect(acknowledged[signal].length).toBeGreaterThan(20);
  });
});

describe.skipIf(process.getuid?.() !== 0)("what a boot writes (needs root)", () => {
  const functionOf = (file: string, name: string) => {
    const text = readFileSync(`infra/vm/${file}`, "utf8");
    return new RegExp(`^${name}\\(\\) \\{[\\s\\S]*?^\\}$`, "m").exec(text)?.[0];
  };
  const delivered = deliveredFiles();
  const archive = join(__dirname, "vmParts/histogram-quantile");

  // Docker starts the containers on it before the next boot's program could put it right.
  it.each([
    [
      "the files that containers mount",
      `${functionOf("files/startup.sh", "unpack")}
unpack files.json new && mv new files`,
      ["haproxy.cfg", "otel-collector.yaml", "clickhouse/users.xml"].map(
        (path) => [`files/${path}`, delivered[path]] as const,
      ),
    ],
    [
      "histogramQuantile",
      `retry() { :; }; attribute() { :; }; runs() { :; }; state=. settings=settings.json
${functionOf("store/store.sh", "prepare_store")}
mkdir user_scripts; tar --directory ${join(archive, "..")} -czf histogram-quantile.tar.gz histogram-quantile
echo '{"histogramQuantile":{"url":"u","sha256":"'$(sha256sum histogram-quantile.tar.gz | cut -d ' ' -f 1)'"}}' >settings.json
prepare_store`,
      [["user_scripts/histogramQuantile", readFileSync(archive, "utf8")] as const],
    ],
  ])("is whole after a power cut some seconds later: %s", async (_, script, files) => {
    const disk = new Disk();
    onTestFinished(() => disk.remove());
    writeFileSync(join(disk.folder, "files.json"), JSON.stringify(delivered));
    execFileSync("bash", ["-euo", "pipefail", "-c", script], { cwd: disk.folder });
    // The journal writes names down after five seconds, what they hold after thirty.
    await sleep(12_000);
    disk.cutPower();
    disk.powerOn();
    for (const [path, text] of files)
      expect(readFileSync(join(disk.folder, path), "utf8"), path).toBe(text);
  });
});
