import { Account } from "@pulumi/gcp/serviceaccount/account";
import type * as pulumi from "@pulumi/pulumi";

/** The service account that the gate and the store run as, and that reads their secrets. */
export const newAccount = (name: string, opts: pulumi.CustomResourceOptions) =>
  // Made by scripts/bootstrap.sh where CI deploys, since CI may make no accounts.
  new Account(name, { accountId: name, createIgnoreAlreadyExists: true }, opts);
