import type * as grpc from "@grpc/grpc-js";
import * as pulumi from "@pulumi/pulumi";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import * as proto from "@pulumi/pulumi/proto/provider_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import type { Cloud } from "../../../simulator/cloud/cloud.js";
import { normalized } from "../../../simulator/cloud/kubernetes.js";
import type { Change } from "../../../simulator/cloud/schema.js";
import { isRecord, type Values } from "../../../simulator/cloud/values.js";
import { type Served, serve, unary } from "./serve.js";

/** The providers whose resources the program makes. */
const packages = ["gcp", "random", "tls", "command", "kubernetes"];

/**
 * Serves the cloud to a real engine as resource providers.
 * @param others packages that a real provider serves
 * @returns by package, for PULUMI_DEBUG_PROVIDERS, which attaches the engine instead of starting plugins
 */
export async function serveProviders(
  cloud: Cloud,
  others: string[] = [],
): Promise<Record<string, Served>> {
  const ours = packages.filter((name) => !others.includes(name));
  const served = ours.map(async (name) => {
    return [name, await serve(ResourceProviderService, provider(cloud, name))] as const;
  });
  return Object.fromEntries(await Promise.all(served));
}

// What is missing here (handshake, checkConfig, getSchema …) answers UNIMPLEMENTED, which the engine takes.
function provider(cloud: Cloud, name: string): grpc.UntypedServiceImplementation {
  return {
    attach: unary(async () => new Empty()),
    cancel: unary(async () => new Empty()),
    getPluginInfo: unary(async () => {
      const info = new PluginInfo();
      info.setVersion(require(`@pulumi/${name}/package.json`).version);
      return info;
    }),
    checkConfig: unary(async (request: proto.CheckRequest) => {
      const response = new proto.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: unary(async () => new proto.DiffResponse()),
    configure: unary(async () => {
      const response = new proto.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    check: unary(async (request: proto.CheckRequest) => {
      const { type, name } = resourceOf(request.getUrn());
      const news = normalized(type, read(request.getNews()));
      const found = cloud.check(type, name, news, read(request.getOlds()));
      const response = new proto.CheckResponse();
      response.setInputs(write(found.inputs));
      response.setFailuresList(found.faults.map(failure));
      return response;
    }),
    diff: unary(async (request: proto.DiffRequest) => {
      const { type, name } = resourceOf(request.getUrn());
      const [olds, oldInputs] = [read(request.getOlds()), read(request.getOldInputs())];
      const news = read(request.getNews());
      const response = difference(cloud.diff(type, name, olds, oldInputs, news));
      response.setDeletebeforereplace(cloud.deletesFirst(type, name, news));
      return response;
    }),
    create: unary(async (request: proto.CreateRequest) => {
      const { type, name } = resourceOf(request.getUrn());
      const inputs = read(request.getProperties());
      const { id, state } = await cloud.create(type, name, inputs, request.getPreview());
      const response = new proto.CreateResponse();
      response.setId(id);
      response.setProperties(write(state));
      return response;
    }),
    read: unary(async (request: proto.ReadRequest) => {
      const response = new proto.ReadResponse();
      response.setId(request.getId());
      response.setProperties(request.getProperties());
      response.setInputs(request.getInputs());
      return response;
    }),
    update: unary(async (request: proto.UpdateRequest) => {
      const { type, name } = resourceOf(request.getUrn());
      const [olds, news] = [read(request.getOlds()), read(request.getNews())];
      const preview = request.getPreview();
      const state = await cloud.update(type, request.getId(), name, olds, news, preview);
      const response = new proto.UpdateResponse();
      response.setProperties(write(state));
      return response;
    }),
    delete: unary(async (request: proto.DeleteRequest) => {
      const { type, name } = resourceOf(request.getUrn());
      await cloud.remove(type, request.getId(), name, read(request.getProperties()));
      return new Empty();
    }),
    invoke: unary(async (request: proto.InvokeRequest) => {
      await cloud.call({ token: request.getTok(), inputs: read(request.getArgs()) });
      return new proto.InvokeResponse();
    }),
  };
}

// urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>
function resourceOf(urn: string): { type: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.split("$").pop() ?? "", name: name.join("::") };
}

function failure(fault: string): proto.CheckFailure {
  const at = fault.indexOf(": ");
  const found = new proto.CheckFailure();
  found.setProperty(fault.slice(0, at));
  found.setReason(fault.slice(at + 2));
  return found;
}

const kinds = proto.PropertyDiff.Kind as unknown as Record<string, 0 | 1 | 2 | 3 | 4 | 5>;

function difference(found: Change[]): proto.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = proto.DiffResponse.DiffChanges;
  const response = new proto.DiffResponse();
  response.setChanges(found.length ? DIFF_SOME : DIFF_NONE);
  response.setReplacesList(found.filter(({ replace }) => replace).map(({ path }) => path));
  response.setDiffsList(found.map(({ path }) => path));
  response.setHasdetaileddiff(true);
  for (const { path, kind, replace } of found) {
    const detail = new proto.PropertyDiff();
    detail.setKind(kinds[replace ? `${kind}_REPLACE` : kind] ?? 4);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(path, detail);
  }
  return response;
}

function read(properties: Struct | undefined): Values {
  return map((properties?.toJavaScript() ?? {}) as Values, (value) =>
    value === pulumi.runtime.unknownValue ? pulumi.unknown : value,
  ) as Values;
}

function write(values: Values): Struct {
  const wire = map(values, (value) =>
    pulumi.isUnknown(value) ? pulumi.runtime.unknownValue : value,
  );
  return Struct.fromJavaScript(wire as Record<string, never>);
}

function map(value: unknown, leaf: (value: unknown) => unknown): unknown {
  if (pulumi.isUnknown(value)) return leaf(value);
  if (Array.isArray(value)) return value.map((item) => map(item, leaf));
  if (!isRecord(value)) return leaf(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, map(item, leaf)]));
}
