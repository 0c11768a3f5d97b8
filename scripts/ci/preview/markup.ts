/** Longer names and values are cut: a comment has room for 65,536 characters. */
const longestText = 300;

/** Characters that are not seen, or that turn the text around them: control, format, unassigned, empty letters, piles of accents. */
const unseen = /\p{C}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}|\p{M}{4,}/gu;

/** A text that others wrote, on one line, without what changes how the text around it reads. */
export function plain(text: string): string {
  const line = text.replace(/\s+/g, " ").replace(unseen, "�");
  return line.length > longestText ? `${[...line].slice(0, longestText).join("")}…` : line;
}

/**
 * A code span, in which GitHub reads neither markup nor names of people; a table's cell survives it. Its two own signs
 * are shown by others that look alike: a backslash before them would itself be escaped by one that the text brings.
 */
export function code(text: string): string {
  if (text === "" || text === "–") return text;
  return `\`${plain(text).replaceAll("`", "ˋ").replaceAll("|", "│")}\``;
}

/** The same inside HTML, where every sign of HTML and of Markdown becomes an entity. */
export const htmlCode = (text: string): string =>
  `<code>${plain(text).replace(/[^\p{L}\p{N} �…./-]/gu, (sign) => `&#${sign.codePointAt(0)};`)}</code>`;

/** A block of code, closed by no text in it. */
export function fence(text: string): string {
  const lines = text
    .trim()
    .split(/\r\n|\r|\n/)
    .map((line) => line.replaceAll("\t", "  ").replace(unseen, "�"));
  const longest = [...text.matchAll(/`+/g)].map(([run]) => run.length + 1);
  const ticks = "`".repeat(Math.max(3, ...longest));
  return [ticks, ...lines, ticks].join("\n");
}
