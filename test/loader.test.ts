import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(__dirname, "..");

// Pulumi's own TypeScript loader (ts-node 7 in CommonJS) does not look for b.ts where the import says
// b.js, while tsc, vitest and tsx do.
it("the program imports its files without an extension, as Pulumi's loader needs it", () => {
  const files = readdirSync(join(root, "infra"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("infra", file));
  const wrong = ["index.ts", ...files].flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/from "(\..*\.js)"/g)].map(
      ([, path]) => `${file}: ${path}`,
    ),
  );
  expect(wrong).toEqual([]);
});
