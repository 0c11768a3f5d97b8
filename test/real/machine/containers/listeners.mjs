// Takes connections at each HOST:PORT, and ends them.
import { createServer } from "node:net";

for (const place of process.argv.slice(2)) {
  const colon = place.lastIndexOf(":");
  createServer((socket) => socket.end()).listen(
    Number(place.slice(colon + 1)),
    place.slice(0, colon),
  );
}
