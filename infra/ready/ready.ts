import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { GateCertificate } from "../certificate";
import type { Settings } from "../config/settings";
import { type Network, otlpPort } from "../network";
import type { SignozVm } from "../vm/machine";

export interface ReadyArgs {
  settings: Settings;
  /** Where clients dial, and the address that the name must resolve to. */
  network: Pick<Network, "host" | "address">;
  certificate: Pick<GateCertificate, "caCertificate">;
  /** Whose guest attributes tell how far its boot is, and what it must have applied. */
  vm: Pick<SignozVm, "instance" | "digest">;
  /** The newest ingestion key. */
  key: pulumi.Input<string>;
}

/** Ends `pulumi up` when telemetry is accepted: infra/ready/wait-for-gate.sh says what it waits for and how it fails. */
export class Ready extends pulumi.ComponentResource {
  constructor(name: string, args: ReadyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Ready", name, {}, opts);
    new command.local.Command(
      `${name}-ready`,
      {
        // Relative to the project, so that the state is the same from every checkout.
        create: "bash infra/ready/wait-for-gate.sh",
        environment: {
          GATE_PROJECT: args.settings.project,
          GATE_ZONE: args.settings.zone,
          GATE_INSTANCE: args.vm.instance.name,
          GATE_HOST: args.network.host,
          GATE_PORT: String(otlpPort),
          GATE_ADDRESS: args.network.address,
          GATE_CA_CERTIFICATE: args.certificate.caCertificate,
          GATE_KEY: pulumi.secret(args.key),
          GATE_DIGEST: args.vm.digest,
          GATE_TIMEOUT_MINUTES: String(args.settings.readyTimeoutMinutes),
        },
        triggers: [args.vm.digest],
      },
      { parent: this, dependsOn: opts?.dependsOn },
    );
    this.registerOutputs();
  }
}
