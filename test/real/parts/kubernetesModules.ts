export const kubernetesVersion = "1.36.3";

/** Modules that Kubernetes' repository keeps in its own tree, and that its go.mod points to there. */
const staged = [
  "api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap",
  "code-generator component-base component-helpers controller-manager cri-api cri-client cri-streaming",
  "csi-translation-lib dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator",
  "kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission",
  "sample-apiserver streaming",
].flatMap((line) => line.split(" "));
const stagedVersion = `v${kubernetesVersion.replace(/^1/, "0")}`;

/** The lines of a go.mod by which a program imports packages of Kubernetes' own repository. */
export const requireKubernetes = `require k8s.io/kubernetes v${kubernetesVersion}

replace (
${staged.map((module) => `\tk8s.io/${module} => k8s.io/${module} ${stagedVersion}`).join("\n")}
)
`;
