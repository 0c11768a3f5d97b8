/** A fault that was once tried by hand, and the tests that must notice it. */
export interface Fault {
  name: string;
  /** Path from the project's root. */
  file: string;
  /** Text that stands exactly once in the file, and what stands there when the fault is in. */
  from: string;
  to: string;
  /** Test files to run, as vitest takes them. */
  tests: string[];
  /** Where they pass only after more than the two minutes that they get otherwise: to hang is to be red. */
  timeoutMs?: number;
}
