import { readFileSync } from "node:fs";

export interface CodeBlock {
  document: string;
  language: string;
  /** The file that the block's first line names (`# otel-env.sh: …`, `// checkout.ts`); empty for plain commands. */
  file: string;
  text: string;
}

/** The fenced code blocks of a document. */
export function codeBlocks(document: string): CodeBlock[] {
  const blocks = readFileSync(document, "utf8").matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([, language = "", text = ""]) => ({
    document,
    language,
    file: /^(?:#|\/\/) ([\w-]+\.\w+)\b/.exec(text)?.[1] ?? "",
    text,
  }));
}

/** The block of a document that is to be saved as that file. */
export function codeFile(document: string, file: string): string {
  const found = codeBlocks(document).find((block) => block.file === file);
  if (!found) throw new Error(`${document} has no code block for ${file}`);
  return found.text;
}

/** The commands of a document's shell blocks that are not files of their own; comments and continuations joined away. */
export function commands(document: string): { document: string; line: string }[] {
  return codeBlocks(document)
    .filter(({ language, file }) => language === "sh" && !file)
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, " ").split("\n"))
    .flatMap((line) => line.replace(/\s+#.*$/, "").split(" && "))
    .map((line) => ({ document, line: line.trim() }))
    .filter(({ line }) => line && !line.startsWith("#"));
}
