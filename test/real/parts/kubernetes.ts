import { join } from "node:path";
import { goProgram } from "./goProgram";
import { kubernetesVersion, requireKubernetes } from "./kubernetesModules";

const etcdVersion = "3.6.5";
const kwokVersion = "0.8.0";

const [major, minor] = kubernetesVersion.split(".");

const etcd = () =>
  goProgram({
    name: "etcd",
    goMod: `module etcd

go 1.26.0

tool go.etcd.io/etcd/server/v3

require go.etcd.io/etcd/server/v3 v${etcdVersion}
`,
    binaries: { etcd: "go.etcd.io/etcd/server/v3" },
  });

const servers = () =>
  goProgram({
    name: "kubernetes",
    goMod: `module kubernetes

go 1.26.0

tool (
	k8s.io/kubernetes/cmd/kube-apiserver
	k8s.io/kubernetes/cmd/kube-controller-manager
	k8s.io/kubernetes/cmd/kube-scheduler
)

${requireKubernetes}`,
    binaries: Object.fromEntries(
      ["kube-apiserver", "kube-controller-manager", "kube-scheduler"].map((server) => [
        server,
        `k8s.io/kubernetes/cmd/${server}`,
      ]),
    ),
    // Without them the server takes itself for version 0.0 and refuses to start.
    variables: {
      "k8s.io/component-base/version.gitVersion": `v${kubernetesVersion}`,
      "k8s.io/component-base/version.gitMajor": major ?? "",
      "k8s.io/component-base/version.gitMinor": minor ?? "",
    },
  });

const kwok = () =>
  goProgram({
    name: "kwok",
    goMod: `module kwok

go 1.26.0

tool sigs.k8s.io/kwok/cmd/kwok

require sigs.k8s.io/kwok v${kwokVersion}
`,
    binaries: { kwok: "sigs.k8s.io/kwok/cmd/kwok" },
  });

/** The real control plane, and what plays nodes and pods for it: paths of the programs (a quarter of an hour the first time). */
export async function controlPlane() {
  const [ofEtcd, ofKubernetes, ofKwok] = [await etcd(), await servers(), await kwok()];
  return {
    etcd: join(ofEtcd, "etcd"),
    apiserver: join(ofKubernetes, "kube-apiserver"),
    controllerManager: join(ofKubernetes, "kube-controller-manager"),
    scheduler: join(ofKubernetes, "kube-scheduler"),
    kwok: join(ofKwok, "kwok"),
  };
}
