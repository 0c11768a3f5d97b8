// Injects each fault of faults/ into a copy of the tree, one at a time, and runs the tests that must turn red.
//   npm run test:mutants [-- NAME…]   only faults whose name contains one of the words
// Exit 0 when every fault is caught, 1 when one survives or no longer fits the code. Ends by itself after 40 minutes.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fault } from "./fault";

const root = join(__dirname, "../..");
const deadline = Date.now() + 40 * 60_000;
/** One fault's tests; what hangs counts as red, since CI would end it too. */
const timeoutMs = 120_000;

/** Every fault, one file of them a room. */
async function faults(): Promise<Fault[]> {
  const rooms = readdirSync(join(__dirname, "faults")).sort();
  const modules = await Promise.all(rooms.map((room) => import(`./faults/${room}`)));
  return modules.flatMap((module) => module.faults ?? module.default.faults);
}

async function main(words: string[]): Promise<number> {
  const chosen = (await faults()).filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  const copy = mkdtempSync(join(tmpdir(), "monitoring-mutants-"));
  try {
    cpSync(root, copy, {
      recursive: true,
      filter: (path) => !/\/(node_modules|\.git|out)$/.test(path),
    });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const survivors = chosen.filter((fault) => {
      const outcome = Date.now() > deadline ? "not tried: time is up" : inject(copy, fault);
      console.log(`${outcome === "red" ? "red      " : "SURVIVED "} ${fault.name}`);
      if (outcome !== "red") console.log(`          ${outcome} (${fault.file})`);
      return outcome !== "red";
    });
    console.log(`${chosen.length - survivors.length} passed, ${survivors.length} failed`);
    return survivors.length === 0 && chosen.length > 0 ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** @returns "red" when a test noticed, else why not */
function inject(copy: string, { file, from, to, tests, ...limits }: Fault): string {
  const path = join(copy, file);
  const sound = readFileSync(path, "utf8");
  if (sound.split(from).length !== 2) return `"${from}" must stand exactly once in the file`;
  writeFileSync(
    path,
    sound.replace(from, () => to),
  );
  try {
    // Of a test that has moved away nothing would run, which must not look like a caught fault.
    const config = tests.some((test) => test.startsWith("test/real/"))
      ? "vitest.real.config.mts"
      : "vitest.config.mts";
    const args = ["vitest", "run", "--passWithNoTests", "--config", config, ...tests];
    const { status, error, stdout } = spawnSync("npx", args, {
      cwd: copy,
      timeout: limits.timeoutMs ?? timeoutMs,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    if (status === 0 && !error) return `green: ${tests.join(" ")}`;
    // Vitest that was called wrongly ends with 1 as well.
    return error || /Test Files .*failed/.test(stdout) ? "red" : `no test failed: ${stdout}`;
  } finally {
    writeFileSync(path, sound);
  }
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
