// A worker thread: what an innocent client sees while something goes on, until it is told to stop: the slowest answer,
// and how many were not OK. The last request is a newcomer's, by a connection of its own.
import { connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

const { port, ca, servername, headers, request } = workerData;

const dial = () =>
  connect(`https://127.0.0.1:${port}`, { ca, servername }).on("error", () => undefined);

/** The grpc-status of one request, or "none". */
const send = (session) =>
  new Promise((resolve) => {
    let status = "none";
    const take = (fields) => {
      status = fields["grpc-status"] ?? status;
    };
    session
      .request(headers)
      .on("response", take)
      .on("trailers", take)
      .on("error", () => undefined)
      .on("close", () => resolve(status))
      .resume()
      .end(request);
  });

const seen = { slowestMs: 0, sent: 0, lost: 0 };
async function once(session) {
  const at = performance.now();
  if ((await send(session)) !== "0") seen.lost++;
  seen.sent++;
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - at);
}

let working = true;
parentPort.once("message", () => {
  working = false;
});
let session = dial();
while (working) {
  if (session.destroyed || session.closed) session = dial();
  await once(session);
  await sleep(100);
}
session.destroy();
session = dial();
await once(session);
session.destroy();
parentPort.postMessage(seen);
