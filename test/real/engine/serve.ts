import * as grpc from "@grpc/grpc-js";

export interface Served {
  port: number;
  close(): void;
}

/** Serves one gRPC service on a free port of loopback. */
export async function serve(
  service: grpc.ServiceDefinition,
  implementation: grpc.UntypedServiceImplementation,
): Promise<Served> {
  const server = new grpc.Server();
  server.addService(service, implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}

/** @returns the function as a handler; what it throws becomes the status text */
export function unary<Request, Response>(answer: (request: Request) => Promise<Response>) {
  return ((call, callback) => {
    answer(call.request).then(
      (response) => callback(null, response),
      (error) => callback({ code: grpc.status.UNKNOWN, details: String(error?.message ?? error) }),
    );
  }) as grpc.handleUnaryCall<Request, Response>;
}
