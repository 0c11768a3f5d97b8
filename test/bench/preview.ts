import {
  appendFileSync,
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
 * Time of a first preview as Pulumi's Node.js host runs the program, engine and providers left out, with every file
 * changed and with none. The baseline only imports the GCP SDK, with the options of `pulumi new`; the floor, with the
 * program's options, registers as many resources as it, each of one line: what the SDK takes whatever a program does.
 */
export async function preview(): Promise<Table> {
  let registered = 0;
  const monitor = await serve(
    ResourceMonitorService,
    emptyMonitor(() => registered++),
  );
  const engine = await serve(EngineService, quietEngine());
  const scratch = mkdtempSync(join(tmpdir(), "monitoring-bench-"));
  const time = (name: string) => timed(join(scratch, name), monitor.port, engine.port);
  try {
    copyProgram(join(scratch, "program"));
    await time("program");
    const gcp = 'import * as gcp from "@pulumi/gcp";\n';
    const others = {
      bare: `${gcp}export const loaded = typeof gcp;\n`,
      floor: `${gcp}for (let i = 1; i < ${registered}; i++) new gcp.compute.Address(\`address-\${i}\`);\n`,
    };
    for (const [name, text] of Object.entries(others)) {
      copyProgram(join(scratch, name));
      rmSync(join(scratch, name, "infra"), { recursive: true });
      writeFileSync(join(scratch, name, "index.ts"), text);
    }
    const plain = "name: monitoring\nruntime: nodejs\n";
    writeFileSync(join(scratch, "bare/Pulumi.yaml"), plain);
    for (const name of Object.keys(others)) await time(name);
    const changed: Times = { program: [], bare: [], floor: [] };
    const unchanged: Times = { program: [], bare: [], floor: [] };
    for (let round = 0; round < rounds; round++)
      for (const name of ["program", "bare", "floor"] as const) {
        touch(join(scratch, name), round);
        changed[name].push(await time(name));
        unchanged[name].push(await time(name));
      }
    return {
      title: `Preview, seconds (median of ${rounds})`,
      head: ["", "program", "bare import of gcp", "ratio", "floor", "floor / bare"],
      rows: [row("every file changed", changed), row("unchanged", unchanged)],
    };
  } finally {
    monitor.close();
    engine.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

type Times = Record<"program" | "bare" | "floor", number[]>;

function row(name: string, times: Times): string[] {
  const [program, bare, floor] = [median(times.program), median(times.bare), median(times.floor)];
  return [name, ...[program, bare, program / bare, floor, floor / bare].map((n) => n.toFixed(2))];
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
function emptyMonitor(count: () => void) {
  return {
    supportsFeature: unary(async (request: proto.SupportsFeatureRequest) => {
      const response = new proto.SupportsFeatureResponse();
      response.setHassupport(/^(secrets|resourceReferences|outputValues)$/.test(request.getId()));
      return response;
    }),
    registerResource: unary(async (request: proto.RegisterResourceRequest) => {
      count();
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
