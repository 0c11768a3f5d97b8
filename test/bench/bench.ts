import { clients, gate } from "./gate.js";
import { hook, session } from "./hook.js";
import { machine } from "./machine.js";
import { preview } from "./preview.js";
import { render, type Table } from "./table.js";

/** Every bench, by the name that `npm run bench -- NAME` takes. */
const benches: Record<string, () => Promise<Table>> = {
  preview,
  hook,
  session,
  gate,
  clients,
  machine,
};

async function main(names: string[]): Promise<void> {
  const unknown = names.find((name) => !benches[name]);
  if (unknown)
    throw new Error(`there is no bench "${unknown}": ${Object.keys(benches).join(", ")}`);
  for (const name of names.length ? names : Object.keys(benches))
    console.log(`${render((await benches[name]?.()) as Table)}\n`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
