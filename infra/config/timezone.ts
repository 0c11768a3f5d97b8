import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Fault, type Kind } from "./fields";

/**
 * Names as Go has them (time/tzdata, which SigNoz carries): SigNoz knows no other, and takes no other case.
 * Intl would take `europe/berlin` and `+01:00`. A real test compares the list with Go's.
 */
const names = new Set(readFileSync(join(__dirname, "timezones.txt"), "utf8").trimEnd().split("\n"));

const byLowerCase = new Map([...names].map((name) => [name.toLowerCase(), name]));

export const timezone: Kind<string> = {
  type: "string",
  example: "Europe/Berlin",
  read: (text) => {
    const meant = byLowerCase.get(text.toLowerCase());
    if (names.has(text)) return text;
    throw new Fault(
      meant === undefined
        ? "must be a time zone of the IANA database"
        : `must be a time zone of the IANA database, letter case included: ${meant}`,
    );
  },
};
