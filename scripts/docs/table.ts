/** A Markdown table; a cell may hold `|`. */
export const table = (head: string[], rows: string[][]): string =>
  [line(head), `|${head.map(() => "---").join("|")}|\n`, ...rows.map(line)].join("");

const line = (cells: string[]) =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;

/** Text as Markdown shows code. */
export const code = (text: string): string => `\`${text}\``;
