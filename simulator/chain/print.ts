import type { ProgramResult } from "../program.js";

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code: number) => (text: string) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = paint(1);
const dim = paint(2);
const red = paint(31);
const green = paint(32);

let broken = 0;

/** Whether any link so far did not hold. */
export const failed = (): boolean => broken > 0;

export const heading = (text: string): void => console.log(`\n${bold(text)}`);

export const quiet = (text: string): void => console.log(dim(`  ${text}`));

/** One link of the chain, and how it went. */
export function outcome(what: string, holds: boolean, how: string): void {
  if (!holds) broken += 1;
  console.log(`  ${holds ? green("ok    ") : red("BROKEN")} ${what.padEnd(22)} ${how}`);
}

/** Resources below the component that made them. */
export function printTree(resources: ProgramResult["resources"]): void {
  const below = new Map<string, ProgramResult["resources"]>();
  for (const resource of resources.filter(({ type }) => type !== "pulumi:pulumi:Stack")) {
    const parent = resource.options.parent ?? "";
    below.set(parent, [...(below.get(parent) ?? []), resource]);
  }
  const print = (parent: string, indent: string) => {
    for (const { type, name, custom, options } of below.get(parent) ?? []) {
      const kind = type.split(":").at(-1);
      console.log(`${indent}${kind} ${dim(name)}${options.protect ? " protected" : ""}`);
      if (!custom) print(`${type}::${name}`, `${indent}  `);
    }
  };
  print("", "  ");
}

/** Outputs, long texts by their size, secrets by the word. */
export function printOutputs(outputs: Record<string, unknown>, secret: string[]): void {
  for (const [name, value] of Object.entries(outputs)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const lines = text.split("\n").length;
    const shown = lines > 1 ? `${lines} lines` : text;
    console.log(`  ${name.padEnd(24)} ${secret.includes(name) ? "[secret]" : shown}`);
  }
}
