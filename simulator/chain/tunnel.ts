import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";

/**
 * An HTTP proxy on loopback that leads every CONNECT to one port of this machine.
 * gRPC clients take it from `grpc_proxy`, so they dial and verify the gate's real name without any DNS.
 */
export async function startTunnel(toPort: number): Promise<{ url: string; stop(): void }> {
  const server = createServer();
  server.on("connect", (_request, client, head) => {
    const gate = connect(toPort, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      gate.write(head);
      gate.pipe(client).pipe(gate);
    });
    gate.on("error", () => client.destroy());
    client.on("error", () => gate.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
