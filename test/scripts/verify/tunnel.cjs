// The tunnel is a forwarder, as the real one is, and runs until it is ended.
// Usage: tunnel.cjs PORT_OF_SIGNOZ --local-host-port=localhost:PORT
const { writeFileSync } = require("node:fs");
const { connect, createServer } = require("node:net");

const [signoz, flag] = process.argv.slice(2);
const quiet = (socket) => socket.on("error", () => {});
createServer((client) =>
  quiet(client)
    .pipe(quiet(connect(signoz, "localhost")))
    .pipe(client),
).listen(flag.split(":")[1], "localhost");
writeFileSync(`${process.env.FOLDER}/tunnel.pid`, String(process.pid));
