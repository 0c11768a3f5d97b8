import { execFileSync } from "node:child_process";
import { describe, it } from "vitest";
import { renderHook } from "../../../hooks/render";
import { values } from "../../hooks/engineerMachine";

describe("the rendered hook lints as it is", () => {
  it.each([
    ["shellcheck", ["-s", "sh", "-"]],
    ["shfmt", ["-d", "-i", "2", "-ci"]],
  ])("by %s", (tool, args) => {
    execFileSync(tool, args, { input: renderHook(values) });
  });
});
