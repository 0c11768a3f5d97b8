import { describe, expect, it } from "vitest";
import type { PreviewDigest } from "../../../../scripts/ci/preview/digest";
import { summarize } from "../../../../scripts/ci/preview/render";

/** What a pull request's author may call a resource, a value or an error. */
const attacks: Record<string, string> = {
  "the end of a code span": "x` **approved** `",
  "two backticks": "x`` <b>approved</b> ``",
  "the end of a table": "x |\n\n## All checks passed\n\n| x",
  "a pipe that brings its backslash": "x\\| approved | x",
  "a comment's marker": "<!-- pulumi-preview:dev -->",
  "the end of a comment": "--> <h1>approved</h1> <!--",
  "the end of the details": "x</code></summary></details><h1>approved</h1>",
  "an image": '<img src="https://evil.invalid/p.png">![p](https://evil.invalid/p.png)',
  "a link": "[log in](https://evil.invalid) https://evil.invalid",
  "an entity": "&lt;b&gt;approved&#60;/b&#62;",
  "somebody's name": "@acme/security approve",
  "a reference": "acme/monitoring#1 GH-1 0123456789abcdef0123456789abcdef01234567",
  "a carriage return": "x\r\r## approved",
  "a line separator": "x\u2028## approved\u2029",
  "text from right to left": "x\u202e devorppa\u2066",
  "characters without width": "mon\u200bitoring\u00ad\ufeff-dev",
  "an empty letter": "\u3164\u115f",
  "a broken surrogate": "x\ud800",
  "a pile of accents": `x${"\u0301".repeat(200)}`,
  "a terminal's escape": "x\u001b[2J\u001b]8;;https://evil.invalid\u0007approved",
  "a workflow's command": "x\n::error::approved\n::set-output name=x::y",
  "a callout": "x\n> [!NOTE]\n> approved",
  "a fence": "x\n```\n## approved\n```\n",
  "a longer fence": "x\n``````\n## approved",
  "very long": "approved ".repeat(2000),
  "a label's hint": "add the label `allow-replace`",
};

const disk = "gcp:compute/disk:Disk";

/** One preview in which a text stands wherever a pull request can put one. */
function comment(text: string, type = disk) {
  const state = { type, protect: true, inputs: { secretId: text, [text]: text, other: text } };
  const step = (op: string, urnType: string, name: string) => ({
    op,
    urn: `urn:pulumi:dev::monitoring::${urnType}::${name}`,
    oldState: { ...state, inputs: { ...state.inputs, other: "b" } },
    newState: state,
    diffReasons: [text],
    replaceReasons: [text],
    detailedDiff: {
      [`["${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"]`]: {
        kind: "update",
        inputDiff: true,
      },
      other: { kind: "update", inputDiff: true },
    },
  });
  const digest: PreviewDigest = {
    steps: [
      step("create", disk, `a${text}`),
      step("update", disk, `b${text}`),
      step("replace", disk, `c${text}`),
      step("update", "gcp:compute/firewall:Firewall", `d${text}`),
    ],
    diagnostics: [
      { severity: "error", message: text },
      { severity: "error", message: "another" },
    ],
  };
  return summarize(digest, { stack: "dev", allowReplace: false });
}

/** What is left of a comment without the insides of code: only our own words and markup. */
const skeleton = (markdown: string) =>
  markdown
    .replace(/^(`{3,})\n[\s\S]*?\n\1$/gm, "<fence>")
    .replace(/<code>[^<`|\n]*<\/code>/g, "<code>")
    .replace(/`[^`|\n]*`/g, "`code`");

describe("a comment", () => {
  it.each(Object.entries(attacks))(
    "has the same markup whatever its names hold: %s",
    { tags: "attack/ci" },
    (_, text) => {
      const { markdown, blockers } = comment(text);
      expect(skeleton(markdown)).toBe(skeleton(comment("harmless").markdown));
      for (const sign of "\u200b\u202e\u2066\u2028\u2029\u001b\u0007\u3164\ud800\r")
        expect(markdown).not.toContain(sign);
      for (const blocker of blockers) expect(blocker).not.toMatch(/[\n\r]/);
    },
  );

  it.each(Object.entries(attacks))(
    "shows no kind of resource as markup: %s",
    { tags: "attack/ci" },
    (_, text) => {
      const { markdown, blockers } = comment("harmless", `gcp:compute/${text}:Disk`);
      expect(skeleton(markdown)).toBe(skeleton(comment("harmless", "gcp:compute/x:Disk").markdown));
      expect(blockers.join()).toMatch(/does not list/);
    },
  );
});
