import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import * as engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import * as proto from "@pulumi/pulumi/proto/resource_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { parse } from "yaml";
import { stackConfig } from "../../simulator/program.js";
import { copyProgram, runNode } from "../real/engine/nodeHost.js";
import { serve, unary } from "../real/engine/serve.js";
import { median, type Table } from "./table.js";

const rounds = 5;

/**
 * Time of a first preview as Pulumi's Node.js host runs the program, engine and providers left out,
 * against a program that only imports the GCP SDK, with the options of `pulumi new`: with every file changed, and with
 * none.
 */
export async function preview(): Promise<Table> {
  const monitor = await serve(ResourceMonitorService, emptyMonitor());
  const engine = await serve(EngineService, quietEngine());
  const scratch = mkdtempSync(join(tmpdir(), "monitoring-bench-"));
  try {
    const [ours, bare] = [join(scratch, "ours"), join(scratch, "bare")];
    for (const dir of [ours, bare]) {
      mkdirSync(dir);
      copyProgram(dir);
    }
    writeFileSync(
      join(bare, "index.ts"),
      'import * as gcp from "@pulumi/gcp";\nexport const loaded = typeof gcp;\n',
    );
    rmSync(join(bare, "infra"), { recursive: true });
    writeFileSync(join(bare, "Pulumi.yaml"), "name: monitoring\nruntime: nodejs\n");
    const time = (dir: string) => timed(dir, monitor.port, engine.port);
    await time(ours);
    await time(bare);
    const found = { changed: { ours: [], bare: [] }, same: { ours: [], bare: [] } } as Times;
    for (let round = 0; round < rounds; round++) {
      for (const [name, dir] of [
        ["ours", ours],
        ["bare", bare],
      ] as const) {
        touch(dir, round);
        found.changed[name].push(await time(dir));
        found.same[name].push(await time(dir));
      }
    }
    return {
      title: `Preview, seconds (median of ${rounds})`,
      head: ["", "program", "bare import of gcp", "ratio"],
      rows: [row("every file changed", found.changed), row("unchanged", found.same)],
    };
  } finally {
    monitor.close();
    engine.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

type Pair = { ours: number[]; bare: number[] };
type Times = { changed: Pair; same: Pair };

function row(name: string, { ours, bare }: Pair): string[] {
  const [left, right] = [median(ours), median(bare)];
  return [name, left.toFixed(2), right.toFixed(2), (left / right).toFixed(2)];
}

async function timed(dir: string, monitor: number, engine: number): Promise<number> {
  const { project, config } = stackConfig();
  const { runtime } = parse(readFileSync(join(dir, "Pulumi.yaml"), "utf8"));
  const { nodeargs, tsconfig } = runtime.options ?? {};
  const start = performance.now();
  const { code, output } = await runNode({
    dir,
    monitor: `127.0.0.1:${monitor}`,
    engine: `127.0.0.1:${engine}`,
    organization: "organization",
    project,
    stack: "dev",
    parallel: 16,
    dryRun: true,
    config,
    secretKeys: [],
    nodeArgs: nodeargs?.split(" "),
    tsconfig,
  });
  if (code !== 0) throw new Error(`preview of ${dir} ended with code ${code}:\n${output}`);
  return (performance.now() - start) / 1000;
}

/** Changes every source file, so that no cached compilation is used. */
function touch(dir: string, round: number): void {
  for (const entry of readdirSync(dir, { recursive: true, encoding: "utf8" }))
    if (/^(index|infra\/.*)\.ts$/.test(entry)) appendFileSync(join(dir, entry), `// ${round}\n`);
}

// A monitor that knows no outputs yet, as in the first preview of a stack.
function emptyMonitor() {
  return {
    supportsFeature: unary(async (request: proto.SupportsFeatureRequest) => {
      const response = new proto.SupportsFeatureResponse();
      response.setHassupport(/^(secrets|resourceReferences|outputValues)$/.test(request.getId()));
      return response;
    }),
    registerResource: unary(async (request: proto.RegisterResourceRequest) => {
      const response = new proto.RegisterResourceResponse();
      response.setUrn(`urn:pulumi:dev::monitoring::${request.getType()}::${request.getName()}`);
      response.setObject(request.getObject());
      return response;
    }),
    readResource: unary(async (request: proto.ReadResourceRequest) => {
      const response = new proto.ReadResourceResponse();
      response.setUrn(`urn:pulumi:dev::monitoring::${request.getType()}::${request.getName()}`);
      response.setProperties(request.getProperties());
      return response;
    }),
    registerResourceOutputs: unary(async () => new Empty()),
    signalAndWaitForShutdown: unary(async () => new Empty()),
  };
}

function quietEngine() {
  return {
    log: unary(async (request: engineProto.LogRequest) => {
      if (request.getSeverity() === engineProto.LogSeverity.ERROR)
        console.error(request.getMessage());
      return new Empty();
    }),
    getRootResource: unary(async () => new engineProto.GetRootResourceResponse()),
    setRootResource: unary(async () => new engineProto.SetRootResourceResponse()),
  };
}
