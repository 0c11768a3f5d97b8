import { readFileSync, writeFileSync } from "node:fs";
import { afterEach } from "vitest";
import { Machine } from "./engineerMachine";

const machines: Machine[] = [];
export function machine(options?: ConstructorParameters<typeof Machine>[0]): Machine {
  const made = new Machine(options);
  machines.push(made);
  return made;
}
afterEach(() => {
  for (const made of machines.splice(0)) made.remove();
});

/** A machine where the gate accepts `accepted` only, and Secret Manager answers with `stored`. */
export function withKeys(
  stored: string,
  accepted = stored,
  options?: ConstructorParameters<typeof Machine>[0],
) {
  const engineer = machine(options);
  engineer.fake("gcloud", `echo asked >>"${engineer.root}/asked"; echo ${stored}`);
  engineer.fakeGate(accepted);
  writeFileSync(`${engineer.root}/asked`, "", { mode: 0o666 });
  return engineer;
}

export function asked(engineer: Machine): number {
  return readFileSync(`${engineer.root}/asked`, "utf8").split("\n").length - 1;
}

export const header = (engineer: Machine) => engineer.written().OTEL_EXPORTER_OTLP_HEADERS;
export const holding = (key: string) => `signoz-ingestion-key=${key}`;

/** Makes the last attempt look older by changing its first line: when to ask again. */
export function ageAttempt(engineer: Machine): void {
  const [, ...rest] = engineer.read("attempt").split("\n");
  writeFileSync(`${engineer.state}/attempt`, ["0", ...rest].join("\n"));
}
