import type { Gate } from "./gate";

/** What a gate's front has counted since its start, at the port that clients dial: connections, or requests. */
export async function countedBy(
  { statisticsPort }: Pick<Gate, "statisticsPort">,
  what: "conn_tot" | "req_tot",
): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${statisticsPort}/stats;csv`)).text();
  const [head = [], ...rows] = text.split("\n").map((line) => line.split(","));
  const row = rows.find(([proxy, name]) => proxy === "gate" && name === "FRONTEND") ?? [];
  return Number(row[head.indexOf(what)]);
}
