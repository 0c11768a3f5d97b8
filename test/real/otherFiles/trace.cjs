// Loaded before a program (`node --require`): prints, as JSON at its end, every file that it opened, modules included.
const fs = require("node:fs");
const { relative, resolve } = require("node:path");
const { fileURLToPath } = require("node:url");

const opened = new Set();
const note = (file) => {
  if (typeof file === "string" || file instanceof URL)
    opened.add(relative(process.cwd(), file instanceof URL ? fileURLToPath(file) : resolve(file)));
};
for (const name of [
  "readFileSync",
  "readFile",
  "openSync",
  "open",
  "createReadStream",
  "readdirSync",
]) {
  const original = fs[name];
  fs[name] = (file, ...rest) => {
    note(file);
    return original(file, ...rest);
  };
}
const { readFile } = fs.promises;
fs.promises.readFile = (file, ...rest) => {
  note(file);
  return readFile(file, ...rest);
};
require("node:module").syncBuiltinESMExports();
process.on("exit", () => {
  for (const file of Object.keys(require.cache)) note(file);
  fs.writeSync(1, `\n${JSON.stringify([...opened])}\n`);
});
