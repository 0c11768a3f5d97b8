// So many engineers at a machine's gate, from beyond its network card: engineers.ts ENGINEERS SECONDS
// Tells its parent when all are connected, and then what became of what they sent; ends when the parent lets go of it.
import { OtlpClient } from "../real/gate";
import { connected, sendAs } from "../real/load";

const { GATE_ADDRESS: host = "", GATE_CA: ca = "" } = process.env;
const [engineers = 0, seconds = 0] = process.argv.slice(2).map(Number);

// An exit of its own may overtake a long message.
process.once("disconnect", () => process.exit());

async function main() {
  const gate = { host, port: 4317, certificate: { ca, pem: "" } };
  const clients = await connected(engineers, () => new OtlpClient(gate, 60_000));
  process.send?.("connected");
  process.send?.(await sendAs(clients, seconds));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
