import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { engineerOf, idOf, keyOwner } from "../../infra/config/engineers";

/** Keys, and what the gate's map and the hook make of each: the owner, `-` for a shared key, or refused. */
const keys: [key: string, owner: string][] = [
  ["shared-key", "-"],
  ["Az09_+@-", "-"],
  ["dana.0123456789", "dana"],
  ["first.last.0123456789", "first.last"],
  ["d_x+y-z.0123456789", "d_x+y-z"],
  ["a@b.c.0123456789", "a@b.c"],
  ["two keys here", "refused"],
  ["# a-comment", "refused"],
  ["-.0123456789", "refused"],
  [".0123456789", "refused"],
  ["+.0123456789", "refused"],
  ["zoë.0123456789", "refused"],
  ["per%20cent", "refused"],
  ["a,list,of", "refused"],
  ["base64/+=", "refused"],
  ["a\tseparator", "refused"],
  ["line-end-of-DOS\r", "refused"],
];

const addresses = [
  "dana@palindrom.example",
  "Dana.Scully@palindrom.example",
  "d_x+y-z@a.example",
  "UPPER@a.example",
  "a..b@a.example",
];

function askHook(what: "keys" | "secrets", lines: string[]): string[] {
  const input = lines.map((line) => `${line}\n`).join("");
  return execFileSync("sh", ["test/infra/keyForm/hook.sh", what], { input, encoding: "utf8" })
    .trimEnd()
    .split("\n");
}

describe("the form of a key", () => {
  it("is one in the gate and in the hook", () => {
    const gate = keys.map(([key]) => {
      const map = spawnSync("infra/gate/keys-map.sh", { input: `${key}\n`, encoding: "utf8" });
      return [key, map.status === 0 ? map.stdout.trimEnd().split(" ")[1] : "refused"];
    });
    expect(gate).toEqual(keys);
    const hook = askHook(
      "keys",
      keys.map(([key]) => key),
    );
    expect(keys.map(([key], index) => [key, hook[index]])).toEqual(keys);
  });

  it.each(["dana", "first.last", "d_x+y-z", "0", "_"])(
    "lets %s be the owner of a key, as the configuration does",
    (owner) => {
      expect(owner).toMatch(keyOwner);
      const [whose] = askHook("keys", [`${owner}.${"k".repeat(40)}`]);
      expect(whose).toBe(owner);
    },
  );
});

it("the hook looks for an engineer's key where the program puts it", () => {
  expect(askHook("secrets", addresses)).toEqual(
    addresses.map((address) => `of-${idOf(engineerOf(address))}-here`),
  );
});
