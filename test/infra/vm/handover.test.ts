import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

const mib = 2 ** 20;

it.each([
  ["takes what there is room for", 100, 0, 200, ""],
  ["takes what is copied already, on a disk that has become full since", 100, 100, -5, ""],
  ["takes nothing on a full disk where nothing is to come", 0, 0, -5, ""],
  ["counts what is copied already", 100, 60, 50, ""],
  [
    "refuses what there is no room for, and says how much is missing",
    100,
    10,
    50,
    "handover.sh: the disk there has room for 50 MiB, and 90 MiB are to come; make it larger first\n",
  ],
])("handover.sh %s", (_, held, copied, room, said) => {
  const { stderr, status } = spawnSync(
    "bash",
    [
      "-c",
      `. infra/vm/handover/handover.sh
       from=from to=to
       ask() { case $2 in *signoz_*) echo ${held * mib} ;; *copying*) echo ${copied * mib} ;; *) echo ${room * mib} ;; esac; }
       require_room`,
    ],
    { encoding: "utf8" },
  );
  expect([stderr, status]).toEqual([said, said === "" ? 0 : 1]);
});
