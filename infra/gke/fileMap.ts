import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import type * as pulumi from "@pulumi/pulumi";
import { labels } from "./pods";

/** Text of a file below infra/. */
export const infraFile = (path: string): string =>
  readFileSync(join(__dirname, "..", path), "utf8");

/**
 * Files for the pods of one app. Another text is another ConfigMap under another name, which starts the pods anew, one
 * after the other, and the old one stays until they are.
 */
export const fileMap = (
  name: string,
  app: string,
  namespace: pulumi.Input<string>,
  data: Record<string, string>,
  opts: pulumi.CustomResourceOptions,
) =>
  new ConfigMap(
    `${name}-${app}-files`,
    { metadata: { namespace, labels: labels(app) }, data, immutable: true },
    opts,
  );
