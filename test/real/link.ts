import { createServer, connect as dial, type Socket } from "node:net";

export interface Link {
  port: number;
  close(): void;
}

/**
 * A TCP link on loopback to `target`.
 * @param delayMs one way; the first bytes also wait for the connection's own round trip
 */
export function slowLink(target: number, delayMs: number): Promise<Link> {
  return listen((client) => {
    const upstream = dial(target, "127.0.0.1");
    pass(client, upstream, delayMs, 3 * delayMs);
    pass(upstream, client, delayMs, delayMs);
  });
}

/** Accepts connections and never says a word, like a firewall that swallows packets behind a live host. */
export function silentLink(): Promise<Link> {
  return listen((client) => client.resume());
}

function pass(from: Socket, to: Socket, delayMs: number, firstDelayMs: number): void {
  let delay = firstDelayMs;
  let sent = Promise.resolve();
  const later = (act: () => void) => {
    const due = Date.now() + delay;
    sent = sent
      .then(() => new Promise<void>((resolve) => setTimeout(resolve, due - Date.now())))
      .then(act);
    delay = delayMs;
  };
  from.on("data", (bytes) => later(() => to.write(bytes)));
  from.on("end", () => later(() => to.end()));
  from.on("error", () => to.destroy());
}

function listen(serve: (client: Socket) => void): Promise<Link> {
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client.on("close", () => clients.delete(client)).on("error", () => undefined));
    serve(client);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({
        port,
        close: () => {
          server.close();
          for (const client of clients) client.destroy();
        },
      });
    });
  });
}
