import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import * as proto from "@pulumi/pulumi/proto/language_pb.js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { runNode } from "./nodeHost.js";
import { type Served, serve, unary } from "./serve.js";

/** How `cmd/run` says that it has told the user what went wrong. */
const toldTheUser = 32;

/** The Node.js language host for an engine to attach to; Pulumi's own is not to be had as a package. */
export function serveLanguage(): Promise<Served> {
  let engine = "";
  return serve(LanguageRuntimeService, {
    handshake: unary(async (request: proto.LanguageHandshakeRequest) => {
      engine = request.getEngineAddress();
      return new proto.LanguageHandshakeResponse();
    }),
    getPluginInfo: unary(async () => new PluginInfo()),
    getRequiredPlugins: unary(async () => new proto.GetRequiredPluginsResponse()),
    getRequiredPackages: unary(async () => new proto.GetRequiredPackagesResponse()),
    cancel: unary(async () => new Empty()),
    run: unary((request: proto.RunRequest) => run(request, engine)),
  });
}

async function run(request: proto.RunRequest, engine: string): Promise<proto.RunResponse> {
  const info = request.getInfo();
  const options = (info?.getOptions()?.toJavaScript() ?? {}) as {
    typescript?: boolean;
    nodeargs?: string;
    tsconfig?: string;
  };
  const { code, output } = await runNode({
    dir: request.getPwd(),
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    parallel: request.getParallel(),
    dryRun: request.getDryrun(),
    config: Object.fromEntries(request.getConfigMap().entries()),
    secretKeys: request.getConfigsecretkeysList(),
    nodeArgs: options.nodeargs?.split(" "),
    typescript: options.typescript,
    tsconfig: options.tsconfig,
    entryPoint: info?.getEntryPoint(),
  });
  const response = new proto.RunResponse();
  if (code === toldTheUser) response.setBail(true);
  else if (code !== 0) response.setError(`the program ended with code ${code}\n${output}`);
  return response;
}
