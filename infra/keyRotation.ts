import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";

/**
 * The wanted generations, once they are known to follow from those that the stack's last update left in force.
 * Rejects what refuseLostLatest refuses: a resource that depends on this is then not touched at all.
 */
export function checkedGenerations(wanted: string[]): pulumi.Output<string[]> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const deployed = new pulumi.StackReference("deployed", { name });
  return deployed.getOutput("ingestionKeyGenerations").apply((generations?: string[]) => {
    refuseLostLatest(generations ?? [], wanted);
    return wanted;
  });
}

/**
 * Refuses a change of generations after which Secret Manager's `latest`, which engineers fetch, would be disabled or old.
 * None at all is no such change: it takes the shared key from everybody, and engineers have keys of their own.
 * @throws pulumi.RunError that names the generation to add
 */
export function refuseLostLatest(deployed: string[], wanted: string[]): void {
  const latest = deployed.at(-1);
  if (latest === undefined || wanted.length === 0) return;
  const newer = wanted.filter((generation) => !deployed.includes(generation));
  const misplaced = newer.find((generation) => generation < latest);
  if (misplaced !== undefined)
    throw refusal(
      `monitoring:ingestionKeyGenerations = ${JSON.stringify(wanted)} adds ${JSON.stringify(misplaced)} before ${JSON.stringify(latest)}, which is deployed: engineers fetch the version created last; give the new generation a name that sorts after ${JSON.stringify(latest)}`,
    );
  if (!wanted.includes(latest) && newer.length === 0)
    throw refusal(
      `monitoring:ingestionKeyGenerations = ${JSON.stringify(wanted)} drops ${JSON.stringify(latest)}, the newest: engineers would fetch a disabled version; add a generation that sorts after ${JSON.stringify(latest)} in the same change`,
    );
}

// Pulumi prints a rejected error with all that the promises behind it hold, which takes minutes for a whole program.
function refusal(message: string): pulumi.RunError {
  return Object.defineProperty(new pulumi.RunError(message), inspect.custom, {
    value: () => message,
  });
}
