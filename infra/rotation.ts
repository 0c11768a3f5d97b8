import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import type { BackendName } from "./config/backends";

/** What the stack goes through by generations, and what it is made of; index.ts exports it as `generations`. */
export interface Generations {
  ingestionKeyGenerations: string[];
  certificateAuthorities: string[];
  backend: BackendName;
}

/**
 * The wanted generations, once they are known to follow from those that the stack's last update left in force.
 * Rejects what the functions below refuse: a resource that depends on this is then not touched at all.
 */
export function checkedGenerations(wanted: Generations): pulumi.Output<Generations> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const deployed = new pulumi.StackReference("deployed", { name });
  const { ingestionKeyGenerations, certificateAuthorities, backend } = wanted;
  return deployed.getOutput("generations").apply((before?: Partial<Generations>) => {
    refuseOtherBackend(before, backend);
    refuseLostLatest(before?.ingestionKeyGenerations ?? [], ingestionKeyGenerations);
    refuseUntrustedSigner(before?.certificateAuthorities ?? [], certificateAuthorities);
    return { ingestionKeyGenerations, certificateAuthorities, backend };
  });
}

/**
 * Refuses another backend for a stack that has one: what the first has stored would be nowhere.
 * @param deployed undefined before the first update; without a backend it is that of stacks of the time of only one
 * @throws pulumi.RunError that names the way
 */
export function refuseOtherBackend(
  deployed: Partial<Generations> | undefined,
  wanted: BackendName,
): void {
  const before = deployed && (deployed.backend ?? "vm");
  if (before === undefined || before === wanted) return;
  throw refusal(
    `monitoring:backend = "${wanted}" would take the place of "${before}", which keeps this stack's telemetry; make a new stack beside this one (docs/runbook.md, SigNoz Cloud), or run: pulumi config set monitoring:backend ${before}`,
  );
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

/**
 * Refuses a change after which the gate's certificate is signed by an authority that no client has been told of.
 * @throws pulumi.RunError that names the two steps
 */
export function refuseUntrustedSigner(deployed: string[], wanted: string[]): void {
  const [signer] = wanted;
  if (deployed.length === 0 || signer === undefined || deployed.includes(signer)) return;
  throw refusal(
    `monitoring:certificateAuthorities = ${JSON.stringify(wanted)} lets ${JSON.stringify(signer)} sign, which no client trusts yet: every engineer would be cut off; put it behind ${JSON.stringify(deployed[0])}, ship the hook, and remove ${JSON.stringify(deployed[0])} in a later change`,
  );
}

// Pulumi prints a rejected error with all that the promises behind it hold, which takes minutes for a whole program.
function refusal(message: string): pulumi.RunError {
  return Object.defineProperty(new pulumi.RunError(message), inspect.custom, {
    value: () => message,
  });
}
