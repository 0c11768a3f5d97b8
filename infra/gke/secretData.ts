import * as pulumi from "@pulumi/pulumi";

/**
 * Values of a Secret as the API server keeps them. Of `stringData` the provider makes the same, but not where a value is known
 * only by `up`: what is applied would then differ from the plan that was approved (pulumi-kubernetes v4, normalizeInputs).
 */
export const secretData = (values: Record<string, pulumi.Input<string>>) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      pulumi.secret(pulumi.output(value).apply((text) => Buffer.from(text).toString("base64"))),
    ]),
  );
