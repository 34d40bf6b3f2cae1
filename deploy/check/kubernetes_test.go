package check

import (
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifests are the objects that the kustomization produces. They are decoded strictly: an
// unknown field is an error, as for kubectl apply.
type manifests struct {
	namespace  core.Namespace
	config     core.ConfigMap
	deployment apps.Deployment
	public     core.Service
	admin      core.Service
	budget     policy.PodDisruptionBudget
	scaler     autoscaling.HorizontalPodAutoscaler
	network    networking.NetworkPolicy
	monitor    monitoring.ServiceMonitor
}

// build runs kustomize on ../k8s.
func build(t *testing.T) *manifests {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../k8s")
	if err != nil {
		t.Fatal(err)
	}
	m := &manifests{}
	into := map[string]any{
		"Namespace wxgate": &m.namespace, "ConfigMap wxgate": &m.config, "Deployment wxgate": &m.deployment,
		"Service wxgate": &m.public, "Service wxgate-admin": &m.admin, "PodDisruptionBudget wxgate": &m.budget,
		"HorizontalPodAutoscaler wxgate": &m.scaler, "NetworkPolicy wxgate": &m.network, "ServiceMonitor wxgate": &m.monitor,
	}
	for _, r := range resources.Resources() {
		name := r.GetKind() + " " + r.GetName()
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if into[name] == nil {
			t.Fatalf("%s occurs twice, or this test doesn't know it", name)
		}
		if err := yaml.UnmarshalStrict(text, into[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		delete(into, name)
	}
	for name := range into {
		t.Errorf("%s is missing", name)
	}
	return m
}

// Kubernetes kills the pod at the end of the grace period, which includes preStop.
func TestPodHasTimeToDrain(t *testing.T) {
	m := build(t)
	pod := m.deployment.Spec.Template.Spec
	var config struct {
		Delay   string `json:"shutdown_delay"`
		Timeout string `json:"shutdown_timeout"`
	}
	if err := yaml.Unmarshal([]byte(m.config.Data["config.yaml"]), &config); err != nil {
		t.Fatal(err)
	}
	stop := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds + int64(seconds(t, config.Delay)+seconds(t, config.Timeout))
	if grace := *pod.TerminationGracePeriodSeconds; grace <= stop {
		t.Errorf("%d s of grace, but preStop, shutdown_delay and shutdown_timeout take %d s", grace, stop)
	}
}

// Every object that selects pods must select those of the Deployment.
func TestSelectorsMatchThePods(t *testing.T) {
	m := build(t)
	labels := m.deployment.Spec.Template.Labels
	for name, selector := range map[string]map[string]string{
		"Deployment": m.deployment.Spec.Selector.MatchLabels, "Service wxgate": m.public.Spec.Selector,
		"Service wxgate-admin": m.admin.Spec.Selector, "PodDisruptionBudget": m.budget.Spec.Selector.MatchLabels,
		"NetworkPolicy":   m.network.Spec.PodSelector.MatchLabels,
		"topology spread": m.deployment.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
	} {
		if !selects(selector, labels) {
			t.Errorf("%s selects %v, the pods are %v", name, selector, labels)
		}
	}
	if monitored := m.monitor.Spec.Selector.MatchLabels; !selects(monitored, m.admin.Labels) || selects(monitored, m.public.Labels) {
		t.Errorf("the ServiceMonitor selects %v, the services are %v and %v", monitored, m.admin.Labels, m.public.Labels)
	}
	if target := m.scaler.Spec.ScaleTargetRef; target.Kind != "Deployment" || target.Name != m.deployment.Name {
		t.Errorf("the HorizontalPodAutoscaler scales %v", target)
	}
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

// Services, probes and the NetworkPolicy refer to ports by name.
func TestNamedPortsExistInTheContainer(t *testing.T) {
	m := build(t)
	c := m.deployment.Spec.Template.Spec.Containers[0]
	ports := map[string]bool{}
	for _, p := range c.Ports {
		ports[p.Name] = true
	}
	references := []string{
		m.public.Spec.Ports[0].TargetPort.StrVal, m.admin.Spec.Ports[0].TargetPort.StrVal,
		c.LivenessProbe.HTTPGet.Port.StrVal, c.ReadinessProbe.HTTPGet.Port.StrVal, c.StartupProbe.HTTPGet.Port.StrVal,
	}
	for _, rule := range m.network.Spec.Ingress {
		references = append(references, rule.Ports[0].Port.StrVal)
	}
	for _, name := range references {
		if !ports[name] {
			t.Errorf("the container has no port %q", name)
		}
	}
	if port := m.monitor.Spec.Endpoints[0].Port; port != m.admin.Spec.Ports[0].Name {
		t.Errorf("the ServiceMonitor scrapes port %q of the service", port)
	}
}

// The namespace enforces the restricted standard, and refuses other pods.
func TestPodMeetsTheRestrictedPodSecurityStandard(t *testing.T) {
	m := build(t)
	if m.namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Error("the namespace enforces no standard")
	}
	pod, c := m.deployment.Spec.Template.Spec, m.deployment.Spec.Template.Spec.Containers[0].SecurityContext
	if !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Error("the pod may run as root, or without seccomp")
	}
	if *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || len(c.Capabilities.Drop) != 1 || c.Capabilities.Drop[0] != "ALL" {
		t.Error("the container may gain privileges, write to its root or keep capabilities")
	}
}

// A file mounted by subPath is never updated, and a hash in the ConfigMap's name would
// restart every instance.
func TestConfigIsMountedAsAFolder(t *testing.T) {
	m := build(t)
	pod := m.deployment.Spec.Template.Spec
	for _, mount := range pod.Containers[0].VolumeMounts {
		if mount.SubPath != "" || !mount.ReadOnly {
			t.Errorf("%s is mounted by subPath or writable", mount.MountPath)
		}
	}
	if got := pod.Volumes[0].ConfigMap.Name; got != m.config.Name {
		t.Errorf("the volume has ConfigMap %q, the manifests %q", got, m.config.Name)
	}
}
