import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import type { BackendName } from "./config/backends";
import { type Handover, isSame, nextOf, type State, stepTowards } from "./handover";

/** What the stack goes through by generations, and what it is made of; index.ts exports it as `generations`. */
export interface Generations {
  ingestionKeyGenerations: string[];
  certificateAuthorities: string[];
  backend: BackendName;
  handover?: Handover | undefined;
}

/**
 * The wanted generations, once they are known to follow from those that the stack's last update left in force.
 * Rejects what the functions below refuse: a resource that depends on this is then not touched at all.
 */
export function checkedGenerations(wanted: Generations): pulumi.Output<Generations> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const deployed = new pulumi.StackReference("deployed", { name });
  const { ingestionKeyGenerations, certificateAuthorities, backend, handover } = wanted;
  return deployed.getOutput("generations").apply((before?: Partial<Generations>) => {
    refuseOtherBackend(before, { backend, handover });
    refuseLostLatest(before?.ingestionKeyGenerations ?? [], ingestionKeyGenerations);
    refuseUntrustedSigner(before?.certificateAuthorities ?? [], certificateAuthorities);
    return {
      ...{ ingestionKeyGenerations, certificateAuthorities, backend },
      ...(handover && { handover }),
    };
  });
}

/**
 * Refuses another backend for a stack that has one, but for the next step of a handover and the way back: what the first has
 * stored would be nowhere.
 * @param deployed undefined before the first update; without a backend it is that of stacks of the time of only one
 * @throws pulumi.RunError that names the way
 */
export function refuseOtherBackend(
  deployed: Partial<Generations> | undefined,
  wanted: State,
): void {
  const { backend, handover } = wanted;
  if (deployed === undefined) {
    if (handover === undefined) return;
    throw refusal(
      `monitoring:handover = "${handover}" hands a stack over to another backend, and this one is new; run: ${commands({ backend })}`,
    );
  }
  const before = { backend: deployed.backend ?? "vm", handover: deployed.handover };
  if ([before, ...nextOf(before)].some((one) => isSame(one, wanted))) return;
  const step = stepTowards(before, wanted);
  if (step === undefined)
    throw refusal(
      `monitoring:backend = "${backend}" would take the place of "${before.backend}", which keeps this stack's telemetry; make a new stack beside this one (docs/runbook.md, SigNoz Cloud), or run: ${commands(before)}`,
    );
  throw refusal(
    `${shown(wanted)} does not follow ${shown(before)}, since one of the two stores would hold telemetry that nobody reads (docs/runbook.md, From a VM to GKE, and back); the next step there is: ${commands(step)}`,
  );
}

const shown = ({ backend, handover }: State) =>
  `monitoring:backend = "${backend}" with handover = "${handover ?? ""}"`;

const commands = ({ backend, handover }: State) =>
  [
    `pulumi config set monitoring:backend ${backend}`,
    handover === undefined
      ? "pulumi config rm monitoring:handover"
      : `pulumi config set monitoring:handover ${handover}`,
  ].join(" && ");

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
