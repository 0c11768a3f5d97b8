import type { Fault } from "../fault";

const client = "hooks/clients/claude-code";

export const faults: Fault[] = [
  {
    name: "what a repository's settings set is not taken back",
    file: `${client}/session.sh`,
    from: '  take_back "$@"\n',
    to: "",
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "a repository's programs read what is to be taken back",
    file: `${client}/session.sh`,
    from: '  put_system_first "$@"\n',
    to: "",
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "an escape that no jq reads hides a name",
    file: `${client}/session.sh`,
    from: "      # An escape that no jq reads may be part of any name.\n      *'\\u'*)",
    to: "      NEVER)",
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "a repository unsets the hook's own variables",
    file: `${client}/session.sh`,
    from: "    [a-z]*)\n      eval",
    to: "    NEVER)\n      eval",
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "what bash reads first stays a repository's",
    file: `${client}/session.sh`,
    from: "*_proxy | BASH_ENV) ;;",
    to: "*_proxy) ;;",
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "an opt-out in settings.json is overwritten",
    file: `${client}/model.jq`,
    from: '| if .on then "" else .text end;',
    to: '| "";',
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "a folder under two paths keeps the one's certificate",
    file: "hooks/parts/variables.sh",
    from: '  [ -s "$state/shared" ] || share_certificate\n',
    to: "",
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "a state folder that others can read stays so",
    file: "hooks/parts/session.sh",
    from: '    # An older hook, a copy or a restore left it open.\n    chmod -R go= "$state"\n',
    to: "    :\n",
    tests: ["test/real/hooks/layers.test.ts"],
  },
  {
    name: "a bare repository with a work tree elsewhere is not seen",
    file: "hooks/parts/tracked.sh",
    from: '  find_bare_repository "$2"\n',
    to: "",
    tests: ["test/real/hooks/tracked.test.ts"],
  },
  {
    name: "the shared key is taken although there is one of one's own",
    file: "hooks/parts/key.sh",
    from: '      take_key "own secret" && return 0\n',
    to: "      :\n",
    tests: ["test/real/hooks/personalKey.test.ts"],
  },
  {
    name: "a stumble of Google's takes the own key away",
    file: "hooks/parts/key.sh",
    from: '  find_owner "$key"\n  [ -n "$owner" ] || return 1\n',
    to: "  return 1\n",
    tests: ["test/real/hooks/personalKey.test.ts"],
  },
  {
    name: "of gcloud's answer the last line is told",
    file: "hooks/parts/words.sh",
    from: "/^ERROR: /{s/^ERROR: *//",
    to: "/^NEVER: /{s/^ERROR: *//",
    tests: ["test/real/hooks/words.test.ts"],
  },
  {
    name: "settings.json is written anew instead of spliced: line ends are lost",
    file: "hooks/parts/splice.awk",
    from: '  line_end = index(s, "\\r\\n") ? "\\r\\n" : "\\n"\n',
    to: '  line_end = "\\n"; gsub(/\\r/, "", s); n = length(s)\n',
    tests: ["test/real/hooks/lossless.test.ts"],
  },
];
