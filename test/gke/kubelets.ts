import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { ControlPlane } from "./apiserver";

/** What the API server asks of every node's kubelet: the log of a container. */
export class Kubelets {
  /** What each pod has logged, by its name; a pod without has not started yet. */
  readonly said: Record<string, string> = {};

  private constructor(private readonly server: Server) {}

  static async start(plane: ControlPlane): Promise<Kubelets> {
    const file = (name: string) => readFileSync(join(plane.dir, "certificates", name));
    const server = createServer({ cert: file("apiserver.crt"), key: file("apiserver.key") });
    const kubelets = new Kubelets(server);
    server.on("request", ({ url }, answer) => {
      const [, , , pod = ""] = url?.split("/") ?? [];
      const text = kubelets.said[pod];
      if (text === undefined) answer.writeHead(400).end("container is waiting to start");
      else answer.end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port: Port } = server.address() as AddressInfo;
    for (const { metadata } of await plane.list("/api/v1/nodes"))
      await plane.patch(`/api/v1/nodes/${metadata.name}/status`, {
        status: {
          addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
          daemonEndpoints: { kubeletEndpoint: { Port } },
        },
      });
    return kubelets;
  }

  close(): void {
    this.server.close();
  }
}
