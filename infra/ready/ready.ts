import { Command } from "@pulumi/command/local/command";
import * as pulumi from "@pulumi/pulumi";
import type { Backend } from "../backend";
import type { GateCertificate } from "../certificate";
import { within } from "../component";
import { otlpPort } from "../network";

export interface ReadyArgs {
  backend: Pick<Backend, "gate" | "version" | "machine" | "progress" | "log">;
  certificate: Pick<GateCertificate, "caCertificate">;
  /** A key that the gate must accept. */
  key: pulumi.Input<string>;
  readyTimeoutMinutes: number;
}

/** Ends `pulumi up` when it is applied: wait-for-gate.sh says what it waits for and how it fails. */
export class Ready extends pulumi.ComponentResource {
  constructor(name: string, args: ReadyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Ready", name, {}, opts);
    const { gate, version, machine, progress, log } = args.backend;
    new Command(
      `${name}-ready`,
      {
        // Relative to the project, so that the state is the same from every checkout.
        create: "bash infra/ready/wait-for-gate.sh",
        environment: {
          GATE_HOST: gate.host,
          GATE_PORT: String(otlpPort),
          GATE_ADDRESS: gate.address,
          GATE_CA_CERTIFICATE: args.certificate.caCertificate,
          GATE_KEY: pulumi.secret(args.key),
          READY_VERSION: version,
          READY_PROGRESS: progress,
          READY_LOG: log,
          READY_TIMEOUT_MINUTES: String(args.readyTimeoutMinutes),
        },
        triggers: [version, machine],
      },
      // Else the last wait that succeeded stays when one fails, and nobody waits for that version when it comes back.
      { ...within(this, opts), deleteBeforeReplace: true },
    );
    this.registerOutputs();
  }
}
