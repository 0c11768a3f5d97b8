import type { Fault } from "../fault";

const copy = [
  "test/scripts/ci/preview/standIn.test.ts",
  "test/scripts/ci/preview/standInProperty.test.ts",
];
const rules = ["test/policy/"];
const markup = ["test/scripts/ci/preview/markup.test.ts"];
const workflows = ["test/scripts/ci/workflows.test.ts"];

export const faults: Fault[] = [
  {
    name: "the copy of the state is published without a search for what is left",
    file: "scripts/ci/preview/standIn.ts",
    from: "      if (source)\n",
    to: "      if (source && !place)\n",
    tests: copy,
  },
  {
    name: "a marked value that nothing known makes stays",
    file: "scripts/ci/preview/standIn.ts",
    from: "    this.lost(text, place);\n    return placeStandIn(place);",
    to: "    return text;",
    tests: copy,
  },
  {
    name: "text beside a known secret counts as public",
    file: "scripts/ci/preview/standIn.ts",
    from: "this.isPublic(piece, resource)",
    to: "piece !== undefined",
    tests: copy,
  },
  {
    name: "hashes are not searched for",
    file: "scripts/ci/preview/leaks.ts",
    from: "const hexPart = 12;",
    to: "const hexPart = 1000;",
    tests: copy,
  },
  {
    name: "base64 is looked through at one alignment only",
    file: "scripts/ci/preview/leaks.ts",
    from: "for (const offset of [0, 1, 2, 3])",
    to: "for (const offset of [0])",
    tests: copy,
  },
  {
    name: "a kind of resource that is not listed passes",
    file: "policy/rules.ts",
    from: "ownKind.test(resource.type) ? nothingToJudge : allowed[resource.type];",
    to: "allowed[resource.type] ?? nothingToJudge;",
    tests: rules,
  },
  {
    name: "people may read any secret",
    file: "policy/rules.ts",
    from: "    ...readerFaults(resource),\n",
    to: "",
    tests: rules,
  },
  {
    name: "a wider range counts as private",
    file: "policy/machines.ts",
    from: "wanted.first >= range.first && wanted.last <= range.last",
    to: "wanted.first >= range.first",
    tests: rules,
  },
  {
    name: "sources that nobody can look into count as none",
    file: "policy/machines.ts",
    from: '["sourceRanges", "allows"]',
    to: '["allows"]',
    tests: rules,
  },
  {
    name: "metadata that nobody can look into passes",
    file: "policy/machines.ts",
    from: 'return ["has no metadata',
    to: 'return typeof metadata === "string" ? [] : ["has no metadata',
    tests: rules,
  },
  {
    name: "a provider may be told anything",
    file: "policy/rules.ts",
    from: "!providerInputs.has(key)",
    to: 'providerInputs.has("")',
    tests: rules,
  },
  {
    name: "another project's account may read what the VM reads",
    file: "policy/rules.ts",
    from: "!runsAs.includes(member)",
    to: 'runsAs.includes("")',
    tests: rules,
  },
  {
    name: "a replacement is judged by the step that deletes",
    file: "scripts/ci/preview/digest.ts",
    from: "known && tells &&",
    to: "known &&",
    tests: ["test/scripts/ci/preview/comment.test.ts"],
  },
  {
    name: "a command may have a variable that bash obeys",
    file: "policy/machines.ts",
    from: "if (!ownVariable.test(name))",
    to: "if (name === ownVariable.source)",
    tests: rules,
  },
  {
    name: "a name ends its code span",
    file: "scripts/ci/preview/markup.ts",
    from: '.replaceAll("`", "ˋ")',
    to: "",
    tests: markup,
  },
  {
    name: "a name is HTML in the comment",
    file: "scripts/ci/preview/render.ts",
    from: "htmlCode(change.name)",
    to: '["<code>", change.name, "</code>"].join("")',
    tests: markup,
  },
  {
    name: "the pull request's own code says whether to look at it",
    file: ".github/workflows/preview.yml",
    from: "          path: change\n",
    to: "",
    tests: workflows,
  },
  {
    name: "deploy watches fewer files than the preview",
    file: ".github/workflows/deploy.yml",
    from: "      - docs/**\n",
    to: "      - docs/**\n      - policy/**\n",
    tests: workflows,
  },
  {
    name: "a skip without a reason is green",
    file: ".ci/count.cjs",
    from: '  counts[known ? "skipped" : "failed"] += 1;',
    to: "  counts.skipped += 1;",
    tests: ["test/ci/count.test.ts"],
  },
  {
    name: "an environment that lets more than main in is taken",
    file: "scripts/bootstrap/protection.sh",
    from: '  [ "$branches" = "branch main" ] ||\n',
    to: '  [ -n "$branches" ] ||\n',
    tests: ["test/real/protection.test.ts"],
  },
  {
    name: "the preview's bucket keeps old copies",
    file: "scripts/bootstrap.sh",
    from: "more=(--no-versioning --clear-soft-delete)",
    to: "more=(--versioning)",
    tests: ["test/scripts/bootstrap.test.ts"],
  },
];
