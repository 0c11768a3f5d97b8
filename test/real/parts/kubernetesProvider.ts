import { join } from "node:path";
import { goProgram } from "./goProgram";

/** No tag of it is a Go version, so it is named by its commit of January 2026. */
const version = "v4.0.0-20260115033456-f47bc2d6f199";

// Its own main package embeds a schema that its build makes and no program asks for.
const main = `package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

func main() { provider.Serve("kubernetes", "4.25.0", []byte("{}"), []byte("{}")) }
`;

/** The path of the real Pulumi Kubernetes provider (about nine minutes the first time). */
export async function kubernetesProvider(): Promise<string> {
  const folder = await goProgram({
    name: "pulumi-kubernetes",
    goMod: `module provider

go 1.26.0

require github.com/pulumi/pulumi-kubernetes/provider/v4 ${version}
`,
    binaries: { "pulumi-resource-kubernetes": "." },
    main,
  });
  return join(folder, "pulumi-resource-kubernetes");
}
