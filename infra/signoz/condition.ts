/** Conditions of SigNoz' filter language (grammar/FilterQuery.g4 of v0.138.0); the only place where a value becomes text. */

/** Operator and operand, to be put behind a field. */
export type Condition = string & { readonly condition: unique symbol };

const condition = (text: string) => text as Condition;

/**
 * A value as the filter language quotes it: it takes back `\\` and `\'` and nothing else.
 * @throws Error for a value that begins with `$`: even quoted, SigNoz looks it up as a variable
 */
function quoted(value: string): string {
  if (value.startsWith("$"))
    throw new Error(
      `SigNoz reads ${JSON.stringify(value)} as a variable: no value may begin with $`,
    );
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

export const is = (value: string): Condition => condition(`= ${quoted(value)}`);
export const isNot = (value: string): Condition => condition(`!= ${quoted(value)}`);
export const atLeast = (value: number): Condition => condition(`>= ${value}`);
export const moreThan = (value: number): Condition => condition(`> ${value}`);
/** What is chosen in a dashboard's variable; SigNoz leaves the condition out while that is "all". */
export const chosenIn = (variable: string): Condition => condition(`IN $${variable}`);
export const chosenAs = (variable: string): Condition => condition(`= $${variable}`);
