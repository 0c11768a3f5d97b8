import { createServer } from "node:net";

/**
 * A TCP port of loopback that nobody listened on a moment ago. Below the range from which Linux takes the ports of
 * outgoing connections (32768 and up), since one of those may take it before the collector does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
