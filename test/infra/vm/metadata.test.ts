import { describe, expect, it } from "vitest";
import { checkSize } from "../../../infra/vm/metadata";

describe("the size of the metadata", () => {
  const kb = (number: number) => "x".repeat(number * 1024);

  it.each([
    ["256 KB a value", { "monitoring-settings": kb(256), "monitoring-files": kb(1) }],
    ["512 KB in all", { "monitoring-settings": kb(256), "monitoring-files": kb(256) }],
  ])("may be %s", (_, delivered) => {
    expect(() => checkSize(delivered)).not.toThrow();
  });

  it.each([
    [
      "one value's keys",
      { "monitoring-settings": kb(257), "monitoring-files": kb(1) },
      "take addresses out",
    ],
    [
      "keys beside all else",
      {
        "monitoring-settings": kb(250),
        "monitoring-files": kb(200),
        "monitoring-content": kb(100),
      },
      "take addresses out",
    ],
    [
      "our own files",
      { "monitoring-settings": kb(1), "monitoring-files": kb(257) },
      "of monitoring-files, take something out of infra/",
    ],
  ])("is refused with its cause and cure: %s", (_, delivered, cure) => {
    expect(() => checkSize(delivered)).toThrow(cure);
    expect(() => checkSize(delivered)).toThrow("monitoring-settings ");
  });
});
