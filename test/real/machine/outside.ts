// A client of the machine's gate beyond its network card: sends what its parent says, and answers with gRPC's status.
import { OtlpClient } from "../gate";

const { GATE_ADDRESS: host = "", GATE_CA: ca = "" } = process.env;
const client = new OtlpClient({ host, port: 4317, certificate: { ca, pem: "" } });
process.on("message", async ({ id, signal, request, key }) => {
  const status = await client.send(signal, Buffer.from(request), { "signoz-ingestion-key": key });
  process.send?.({ id, status });
});
process.once("disconnect", () => process.exit());
