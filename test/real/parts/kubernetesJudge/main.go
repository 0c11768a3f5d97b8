// Says what the API server says of objects, by its own code: each line of stdin is {"object": …} or {"object": …, "old": …},
// each line of stdout {"errors": […], "object": the object as the server keeps it, with its defaults}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corev1conversion "k8s.io/kubernetes/pkg/apis/core/v1"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
	"k8s.io/kubernetes/pkg/apis/storage"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	storagevalidation "k8s.io/kubernetes/pkg/apis/storage/validation"
	"k8s.io/pod-security-admission/api"
	podsecurity "k8s.io/pod-security-admission/policy"
)

// Strict: a field that Kubernetes does not know is an error, as in a server-side apply.
var decoder = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder()

type request struct{ Object, Old json.RawMessage }
type answer struct {
	Errors []string        `json:"errors"`
	Object json.RawMessage `json:"object,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		said, err := json.Marshal(judge(asked))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(said))
	}
}

func judge(asked request) answer {
	said := answer{Errors: []string{}}
	object, kind, err := decoder.Decode(asked.Object, nil, nil)
	if err != nil {
		return answer{Errors: []string{err.Error()}}
	}
	var old runtime.Object
	if asked.Old != nil {
		if old, _, err = decoder.Decode(asked.Old, nil, nil); err != nil {
			panic(err)
		}
	}
	for _, fault := range faults(object, old) {
		said.Errors = append(said.Errors, fault.Error())
	}
	said.Errors = append(said.Errors, unlocked(object)...)
	said.Object, err = runtime.Encode(legacyscheme.Codecs.LegacyCodec(kind.GroupVersion()), object)
	if err != nil {
		panic(err)
	}
	return said
}

func faults(object, old runtime.Object) field.ErrorList {
	switch it := object.(type) {
	case *apps.StatefulSet:
		if before, ok := old.(*apps.StatefulSet); ok {
			it.ResourceVersion, before.ResourceVersion = "1", "1"
			return appsvalidation.ValidateStatefulSetUpdate(it, before, podutil.GetValidationOptionsFromPodTemplate(&it.Spec.Template, &before.Spec.Template))
		}
		return appsvalidation.ValidateStatefulSet(it, podutil.GetValidationOptionsFromPodTemplate(&it.Spec.Template, nil))
	case *batch.Job:
		template := &batch.JobTemplateSpec{ObjectMeta: it.ObjectMeta, Spec: it.Spec}
		return batchvalidation.ValidateJobTemplateSpec(template, field.NewPath("spec"), podutil.GetValidationOptionsFromPodTemplate(&it.Spec.Template, nil))
	case *batch.CronJob:
		return batchvalidation.ValidateCronJobCreate(it, podutil.GetValidationOptionsFromPodTemplate(&it.Spec.JobTemplate.Spec.Template, nil))
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(it)
	case *core.PersistentVolumeClaim:
		if before, ok := old.(*core.PersistentVolumeClaim); ok {
			it.ResourceVersion, before.ResourceVersion = "1", "1"
			// As it is once its disk is there.
			before.Status.Phase, it.Status.Phase = core.ClaimBound, core.ClaimBound
			before.Spec.VolumeName, it.Spec.VolumeName = "disk", "disk"
			before.Status.Capacity = before.Spec.Resources.Requests
			return corevalidation.ValidatePersistentVolumeClaimUpdate(it, before, corevalidation.ValidationOptionsForPersistentVolumeClaim(it, before))
		}
		return corevalidation.ValidatePersistentVolumeClaim(it, corevalidation.ValidationOptionsForPersistentVolumeClaim(it, nil))
	case *core.Service:
		// What the server's allocators give.
		if it.Spec.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal {
			it.Spec.HealthCheckNodePort = 30000
		}
		if it.Spec.ClusterIP == "" {
			it.Spec.ClusterIP, it.Spec.ClusterIPs = "10.96.0.9", []string{"10.96.0.9"}
		} else {
			it.Spec.ClusterIPs = []string{it.Spec.ClusterIP}
		}
		family := core.IPFamilyPolicySingleStack
		it.Spec.IPFamilies, it.Spec.IPFamilyPolicy = []core.IPFamily{core.IPv4Protocol}, &family
		return corevalidation.ValidateServiceCreate(it)
	case *core.Secret:
		return corevalidation.ValidateSecret(it)
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(it)
	case *core.Namespace:
		return corevalidation.ValidateNamespace(it)
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(it, networkingvalidation.NetworkPolicyValidationOptions{})
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(it, policyvalidation.PodDisruptionBudgetValidationOptions{})
	case *storage.StorageClass:
		return storagevalidation.ValidateStorageClass(it)
	}
	return field.ErrorList{field.InternalError(nil, fmt.Errorf("%T is not judged here", object))}
}

// What a namespace that enforces the level "restricted" would refuse of the pods.
func unlocked(object runtime.Object) []string {
	var template core.PodTemplateSpec
	switch it := object.(type) {
	case *apps.StatefulSet:
		template = it.Spec.Template
	case *batch.Job:
		template = it.Spec.Template
	case *batch.CronJob:
		template = it.Spec.JobTemplate.Spec.Template
	default:
		return nil
	}
	var pod corev1.PodTemplateSpec
	if err := corev1conversion.Convert_core_PodTemplateSpec_To_v1_PodTemplateSpec(&template, &pod, nil); err != nil {
		panic(err)
	}
	evaluator, err := podsecurity.NewEvaluator(podsecurity.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	said := podsecurity.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
	if said.Allowed {
		return nil
	}
	return []string{"PodSecurity restricted: " + said.ForbiddenDetail()}
}
