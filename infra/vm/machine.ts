import * as pulumi from "@pulumi/pulumi";
import type { Backend, BackendClass } from "../backend";
import { cloudStore, type Store, signozAlone, signozStore } from "./stores";
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

/** SigNoz on a VM without gate and ClickHouse: to the engine the same one that had them, which keeps its disk then. */
export class SignozAlone extends Vm {
  constructor(
    name: string,
    args: VmArgs & Required<Pick<VmArgs, "clickhouseHost">>,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("SignozVm", signozAlone, name, args, {
      ...opts,
      aliases: [{ parent: pulumi.rootStackResource }],
    });
  }
}
