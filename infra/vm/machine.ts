import * as pulumi from "@pulumi/pulumi";
import type { Backend, BackendClass } from "../backend";
import { cloudStore, type Store, signozAlone, signozBeside, signozStore } from "./stores";
import { Vm, type VmArgs } from "./vm";

/** The gate on a VM with a store behind it. */
abstract class GateVm extends Vm implements Backend {
  readonly gate: Backend["gate"];

  protected constructor(
    type: string,
    store: Store,
    name: string,
    args: VmArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, store, name, args, opts);
    const { address, host } = args.network;
    this.gate = { address: pulumi.output(address), host: pulumi.output(host) };
  }
}

/** SigNoz on the gate's own VM. */
export class SignozVm extends GateVm {
  constructor(...args: ConstructorParameters<BackendClass>) {
    super("SignozVm", signozStore, ...args);
  }
}

/** A gate on a VM before SigNoz Cloud: the disk holds the queue. */
export class CloudVm extends GateVm {
  constructor(...args: ConstructorParameters<BackendClass>) {
    super("CloudVm", cloudStore, ...args);
  }
}

/**
 * The VM beside a cluster: SigNoz alone, or all of it while the stack hands over. To the engine it is the same one as a
 * SignozVm, whose disk stays.
 */
export class VmBeside extends Vm {
  constructor(
    name: string,
    args: VmArgs & Required<Pick<VmArgs, "clickhouse">> & { whole: boolean },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("SignozVm", args.whole ? signozBeside : signozAlone, name, args, opts);
  }
}
