import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Machine } from "../../hooks/engineerMachine";

const save = (machine: Machine, path: string, text = "") => {
  const file = join(machine.home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

/** A bare repository as git leaves it; `index` is there once somebody worked with it. */
function bare(
  machine: Machine,
  path: string,
  { index = true, config = "[core]\n\tbare = true\n" } = {},
) {
  for (const folder of ["objects", "refs"])
    mkdirSync(join(machine.home, path, folder), { recursive: true });
  save(machine, `${path}/HEAD`, "ref: refs/heads/main\n");
  save(machine, `${path}/config`, config);
  if (index) save(machine, `${path}/index`);
}

const git = (machine: Machine, ...args: string[]) =>
  execFileSync(
    "git",
    ["-C", machine.home, "-c", "user.name=t", "-c", "user.email=t@example.test", ...args],
    { stdio: "ignore" },
  );

const taken: [string, (machine: Machine) => void, Record<string, string>?][] = [
  [
    "a bare repository with HOME as its work tree",
    (m) => bare(m, ".dotfiles", { config: `[core]\n\tworktree = ${m.home}\n` }),
  ],
  ["one that says nothing of its work tree", (m) => bare(m, ".cfg")],
  ["one of another name, a folder down", (m) => bare(m, "git/dots.git")],
  ["yadm's place", (m) => bare(m, ".local/share/yadm/repo.git")],
  ["vcsh's place", (m) => bare(m, ".config/vcsh/repo.d/claude.git")],
  [
    "an alias for a repository elsewhere",
    (m) => save(m, ".zshrc", "alias dot='git --git-dir=/srv/d.git --work-tree=$HOME'\n"),
  ],
  [
    "a fish function for one",
    (m) =>
      save(m, ".config/fish/config.fish", "alias c 'git --git-dir=/srv/d --work-tree=/home'\n"),
  ],
  ["GIT_WORK_TREE of the shell", () => undefined, { GIT_WORK_TREE: "HOME" }],
  [
    "a git folder that lies elsewhere",
    (m) => git(m, "init", "--separate-git-dir", join(m.root, "elsewhere")),
  ],
  ["a submodule", (m) => save(m, ".claude/.git", "gitdir: ../nowhere/modules/claude\n")],
  [
    "a work tree of a repository elsewhere",
    (m) => save(m, ".git", `gitdir: ${m.root}/gone/worktrees/home\n`),
  ],
  ["jj around HOME", (m) => mkdirSync(join(m.home, ".jj"))],
  [
    "jj beside git, which ignores it",
    (m) => {
      git(m, "init");
      save(m, ".gitignore", ".claude\n");
      mkdirSync(join(m.home, ".jj"));
    },
  ],
  ["Mercurial", (m) => mkdirSync(join(m.home, ".claude/.hg"))],
  ["Subversion", (m) => mkdirSync(join(m.home, ".svn"))],
  ["Fossil", (m) => save(m, ".claude/.fslckout")],
  ["Sapling", (m) => mkdirSync(join(m.home, ".sl"))],
  [
    "chezmoi",
    (m) => mkdirSync(join(m.home, ".local/share/chezmoi/dot_claude"), { recursive: true }),
  ],
  [
    "chezmoi with a root of its own",
    (m) =>
      mkdirSync(join(m.home, ".local/share/chezmoi/home/private_dot_claude"), { recursive: true }),
  ],
  [
    "a folder that is a link into a repository",
    (m) => {
      renameSync(join(m.home, ".claude"), join(m.home, "dots"));
      mkdirSync(join(m.home, "dots/.git"));
      symlinkSync("dots", join(m.home, ".claude"));
    },
  ],
  ["mackup", (m) => save(m, ".mackup.cfg", "[applications_to_sync]\nclaude/\n")],
];

const free: [string, (machine: Machine) => void][] = [
  ["a bare repository that nobody works with", (m) => bare(m, "mirror.git", { index: false })],
  [
    "a bare repository with its work tree elsewhere",
    (m) => bare(m, ".cfg", { config: "[core]\n\tworktree = /srv/site\n" }),
  ],
  ["repositories beside it", (m) => mkdirSync(join(m.home, "src/.git"), { recursive: true })],
  [
    "chezmoi for other folders",
    (m) => mkdirSync(join(m.home, ".local/share/chezmoi/dot_config"), { recursive: true }),
  ],
  [
    "a git work tree that ignores it",
    (m) => {
      git(m, "init");
      save(m, ".gitignore", ".claude\n");
    },
  ],
];

async function keyIn(prepare: (machine: Machine) => void, env: Record<string, string> = {}) {
  const machine = new Machine({ hook: { onePasswordReference: "" } });
  try {
    prepare(machine);
    if (env.GIT_WORK_TREE) env = { GIT_WORK_TREE: machine.home };
    await machine.run([], { env: { SIGNOZ_KEY: "key-1", ...env } });
    return {
      settings: machine.written().OTEL_EXPORTER_OTLP_HEADERS,
      profile: machine.sourced(`${machine.state}/env`).OTEL_EXPORTER_OTLP_HEADERS,
    };
  } finally {
    machine.remove();
  }
}

describe.concurrent("a key lands in no file that goes along with", () => {
  it.each(taken)("%s", { tags: "attack/engineer" }, async (_what, prepare, env) => {
    expect(await keyIn(prepare, env)).toEqual({
      settings: undefined,
      profile: "signoz-ingestion-key=key-1",
    });
  });
});

describe.concurrent("settings.json holds the key beside", () => {
  it.each(free)("%s", async (_what, prepare) => {
    expect((await keyIn(prepare)).settings).toBe("signoz-ingestion-key=key-1");
  });
});

describe("a key that is in settings.json", () => {
  it("goes out of it again when version control comes", async () => {
    const machine = new Machine({ hook: { onePasswordReference: "" } });
    try {
      writeFileSync(machine.settings, '{"model": "opus"}\n');
      await machine.run([], { env: { SIGNOZ_KEY: "key-1" } });
      expect(machine.written().OTEL_EXPORTER_OTLP_HEADERS).toContain("key-1");
      bare(machine, ".dotfiles");
      await machine.run(["refresh"], { env: { SIGNOZ_KEY: "key-1" } });
      expect(machine.written()).toEqual({});
    } finally {
      machine.remove();
    }
  });
});
