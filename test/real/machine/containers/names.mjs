// A resolver to which every name is one IPv4 address, by UDP and TCP: names.mjs BIND ADDRESS
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const [bind, address] = process.argv.slice(2);

function answer(query) {
  const end = query.indexOf(0, 12) + 5;
  const isA = query.readUInt16BE(end - 4) === 1;
  return Buffer.concat([
    query.subarray(0, 2),
    Buffer.from([0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]),
    query.subarray(12, end),
    Buffer.from(
      isA ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split(".").map(Number)] : [],
    ),
  ]);
}

const udp = createSocket("udp4");
udp.on("message", (query, { port, address: from }) => udp.send(answer(query), port, from));
udp.bind(53, bind);

createServer((socket) =>
  socket
    .on("data", (data) => {
      const text = answer(data.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(text.length);
      socket.write(Buffer.concat([length, text]));
    })
    .on("error", () => {}),
).listen(53, bind);
