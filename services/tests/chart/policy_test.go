package chart_test

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// at walks down a document by names and numbers: at(d, "spec", "containers", 0). What is not there is nil.
func at(v any, steps ...any) any {
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			m, _ := v.(doc)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

func text(v any, steps ...any) string {
	switch v := at(v, steps...).(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

func list(v any, steps ...any) []any {
	l, _ := at(v, steps...).([]any)
	return l
}

func number(v any, steps ...any) int {
	n, _ := strconv.Atoi(text(v, steps...))
	return n
}

func find(docs []doc, kind, name string) doc {
	for _, d := range docs {
		if text(d, "kind") == kind && text(d, "metadata", "name") == name {
			return d
		}
	}
	return nil
}

func ofKind(docs []doc, kind string) (out []doc) {
	for _, d := range docs {
		if text(d, "kind") == kind {
			out = append(out, d)
		}
	}
	return out
}

// selects: every label of the selector is among the labels. An empty selector selects nothing here: we never want everything.
func selects(selector, labels any) bool {
	want, _ := selector.(doc)
	have, _ := labels.(doc)
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return len(want) > 0
}

// given is what the values say about secrets: name → keys.
func given(s set) map[string][]string {
	if s.name == "everything" {
		return map[string][]string{
			"vault-master": {"hex"}, "vault-admin": {"dsn"}, "db-ca": {"root.pem"}, "kafka-authority": {"ca.pem"}, "kafka-client": {"tls.crt", "tls.key"}, "kafka-user": {"pw"},
		}
	}
	return map[string][]string{"evenkeel-master": {"secret"}, "evenkeel-migration": {"database-url"}, "evenkeel-database-ca": {"ca.crt"}}
}

// policies are the rules that no schema states. Each finding names its document.
func policies(s set, cmd commands, docs []doc) (findings []string) {
	say := func(d doc, format string, args ...any) {
		findings = append(findings, text(d, "kind")+" "+text(d, "metadata", "name")+": "+fmt.Sprintf(format, args...))
	}
	release := doc{"kind": "release", "metadata": doc{"name": s.name}}
	deployments := ofKind(docs, "Deployment")
	services := ofKind(docs, "Service")

	var have []string
	for _, d := range deployments {
		have = append(have, text(d, "metadata", "labels", "app.kubernetes.io/component"))
	}
	want := slices.DeleteFunc(slices.Clone(cmd.targets), func(t string) bool { return t == "payersim" && !s.sandbox })
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		say(release, "runs %v, not %v", have, want)
	}
	if len(ofKind(docs, "Secret")) > 0 {
		say(release, "a Secret is rendered: secrets are given, not made")
	}
	for _, a := range ofKind(docs, "ServiceAccount") {
		if text(a, "automountServiceAccountToken") != "false" {
			say(a, "automountServiceAccountToken must be false")
		}
	}
	for _, d := range docs {
		if ns := text(d, "metadata", "namespace"); ns != "billing" {
			say(d, "is in the namespace %q, not the release's", ns)
		}
		if name := text(d, "metadata", "name"); len(name) > 63 {
			say(d, "its name has %d characters, 63 are possible", len(name))
		}
	}

	pods := append(slices.Clone(deployments), ofKind(docs, "Job")...)
	for _, d := range pods {
		for _, f := range podPolicies(s, cmd, docs, d) {
			say(d, "%s", f)
		}
	}
	for _, d := range deployments {
		for _, f := range deploymentPolicies(cmd, docs, d) {
			say(d, "%s", f)
		}
	}
	for _, j := range ofKind(docs, "Job") {
		if text(j, "metadata", "annotations", "helm.sh/hook") != "pre-install,pre-upgrade" {
			say(j, "its hook must be pre-install,pre-upgrade")
		}
		if text(j, "spec", "template", "spec", "serviceAccountName") != "" || len(list(j, "spec", "template", "spec", "containers", 0, "envFrom")) > 0 {
			say(j, "a hook runs before the release's ServiceAccount and ConfigMap are there")
		}
		if number(j, "spec", "activeDeadlineSeconds") == 0 {
			say(j, "has no deadline")
		}
	}

	for _, v := range services {
		var chosen []doc
		for _, d := range deployments {
			if selects(at(v, "spec", "selector"), at(d, "spec", "template", "metadata", "labels")) {
				chosen = append(chosen, d)
			}
		}
		if len(chosen) != 1 {
			say(v, "selects no Deployment, or several (%d)", len(chosen))
			continue
		}
		for _, p := range list(v, "spec", "ports") {
			if text(p, "name") == "" || !hasPort(chosen[0], text(p, "targetPort")) {
				say(v, "its port %s needs a name and leads to %q, which no container names", text(p, "port"), text(p, "targetPort"))
			}
		}
		if text(v, "spec", "type") != "ClusterIP" && (text(v, "metadata", "labels", "app.kubernetes.io/component") != "gateway" || len(list(v, "spec", "ports")) != 1) {
			say(v, "only the gateway's HTTP port may be reached from outside")
		}
	}
	for _, i := range ofKind(docs, "Ingress") {
		if len(list(i, "spec", "tls")) == 0 {
			say(i, "has no tls")
		}
		for _, r := range list(i, "spec", "rules") {
			for _, p := range list(r, "http", "paths") {
				name, port := text(p, "backend", "service", "name"), text(p, "backend", "service", "port", "name")
				if v := find(docs, "Service", name); v == nil || !named(list(v, "spec", "ports"), port) {
					say(i, "leads to port %s of Service %s, which is not there", port, name)
				}
			}
		}
	}
	findings = append(findings, networkPolicies(s, docs, pods)...)
	for _, m := range ofKind(docs, "ServiceMonitor") {
		for _, e := range list(m, "spec", "endpoints") {
			read := 0
			for _, v := range services {
				if selects(at(m, "spec", "selector", "matchLabels"), at(v, "metadata", "labels")) && named(list(v, "spec", "ports"), text(e, "port")) {
					read++
				}
			}
			if read != len(deployments) {
				say(m, "reads %d Services by the port %s, there are %d Deployments", read, text(e, "port"), len(deployments))
			}
			if text(e, "honorLabels") != "true" {
				say(m, "honorLabels must be true: the label service is ours")
			}
		}
	}
	return findings
}

func named(ports []any, name string) bool {
	return slices.ContainsFunc(ports, func(p any) bool { return text(p, "name") == name })
}

func hasPort(workload doc, name string) bool {
	return named(list(workload, "spec", "template", "spec", "containers", 0, "ports"), name)
}

// podPolicies hold for every pod, whoever makes it.
func podPolicies(s set, cmd commands, docs []doc, d doc) (findings []string) {
	say := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	pod := at(d, "spec", "template", "spec")
	if text(pod, "automountServiceAccountToken") != "false" {
		say("automountServiceAccountToken must be false")
	}
	if text(pod, "enableServiceLinks") != "false" {
		say("enableServiceLinks must be false: Kubernetes' variables could be read as settings")
	}
	if text(pod, "securityContext", "runAsNonRoot") != "true" || number(pod, "securityContext", "runAsUser") == 0 {
		say("runAsNonRoot must be true, and runAsUser a number that is not 0")
	}
	if text(pod, "securityContext", "seccompProfile", "type") != "RuntimeDefault" {
		say("the seccomp profile must be RuntimeDefault")
	}
	for _, f := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if text(pod, f) == "true" {
			say("%s must not be set", f)
		}
	}
	if n := len(list(pod, "containers")); n != 1 {
		say("has %d containers", n)
	}
	c := at(pod, "containers", 0)
	for field, want := range map[string]string{"readOnlyRootFilesystem": "true", "allowPrivilegeEscalation": "false", "runAsNonRoot": "true", "privileged": ""} {
		if got := text(c, "securityContext", field); got != want {
			say("%s is %q, not %q", field, got, want)
		}
	}
	if text(c, "securityContext", "capabilities", "drop") != "[ALL]" || at(c, "securityContext", "capabilities", "add") != nil {
		say("capabilities: must drop ALL and add none")
	}
	image := text(c, "image")
	_, tag, _ := strings.Cut(path.Base(image), ":")
	switch {
	case s.production && !strings.Contains(image, "@sha256:"):
		say("image %s: production needs a digest", image)
	case tag == "" || tag == "latest":
		say("image %s: needs a tag or a digest", image)
	}
	limit, ok := strings.CutSuffix(text(c, "resources", "limits", "memory"), "Mi")
	mib, _ := strconv.Atoi(limit)
	if !ok || text(c, "resources", "requests", "memory") != limit+"Mi" || text(c, "resources", "requests", "cpu") == "" {
		say("resources: a CPU request, and equal request and limit of memory in Mi")
	}
	for _, p := range list(c, "ports") {
		if text(p, "name") == "" {
			say("the port %s has no name", text(p, "containerPort"))
		}
	}

	// Settings.
	env := map[string]string{}
	for _, from := range list(c, "envFrom") {
		name := text(from, "configMapRef", "name")
		m := find(docs, "ConfigMap", name)
		if m == nil {
			say("its variables come from ConfigMap %s, which is not there", name)
		}
		data, _ := at(m, "data").(doc)
		for k, v := range data {
			env[k] = fmt.Sprint(v)
		}
	}
	secrets := given(s)
	for _, e := range list(c, "env") {
		if ref := at(e, "valueFrom", "secretKeyRef"); ref != nil && !slices.Contains(secrets[text(ref, "name")], text(ref, "key")) {
			say("reads the key %s of Secret %s, which the values do not name", text(ref, "key"), text(ref, "name"))
		}
		env[text(e, "name")] = text(e, "value")
	}
	var args []string
	for _, a := range list(c, "args") {
		args = append(args, fmt.Sprint(a))
	}
	for _, f := range cmd.problems(args, env) {
		say("%s", f)
	}
	if slices.Contains(args, "--target=gateway") && !s.sandbox && !slices.Contains(args, "--secure-cookies") {
		say("the gateway gives session cookies without --secure-cookies")
	}
	if !s.sandbox && slices.Contains(args, "--sandbox-clock") {
		say("--sandbox-clock outside a sandbox")
	}
	goLimit, ok := strings.CutSuffix(env["GOMEMLIMIT"], "MiB")
	if n, _ := strconv.Atoi(goLimit); !ok || n >= mib || n < mib*8/10 {
		say("GOMEMLIMIT is %s with a limit of %d MiB: want between eight tenths of it and less than all", env["GOMEMLIMIT"], mib)
	}

	// Files.
	files := map[string]bool{}
	mounted := map[string]string{}
	for _, m := range list(c, "volumeMounts") {
		mounted[text(m, "name")] = text(m, "mountPath")
	}
	for _, v := range list(pod, "volumes") {
		where, ok := mounted[text(v, "name")]
		if !ok {
			say("the volume %s is mounted nowhere", text(v, "name"))
		}
		delete(mounted, text(v, "name"))
		secret := at(v, "secret")
		if secret == nil {
			continue
		}
		for _, i := range list(secret, "items") {
			if !slices.Contains(secrets[text(secret, "secretName")], text(i, "key")) {
				say("mounts the key %s of Secret %s, which the values do not name", text(i, "key"), text(secret, "secretName"))
			}
			files[path.Join(where, text(i, "path"))] = true
		}
	}
	for name := range mounted {
		say("mounts the volume %s, which is not there", name)
	}
	for _, name := range []string{"EVENKEEL_SECRET_FILE", "EVENKEEL_KAFKA_CA_FILE", "EVENKEEL_KAFKA_CERT_FILE", "EVENKEEL_KAFKA_KEY_FILE", "EVENKEEL_KAFKA_PASSWORD_FILE"} {
		if f, set := env[name]; (set || name == "EVENKEEL_SECRET_FILE") && !files[f] {
			say("%s is %s, where nothing is mounted", name, f)
		}
	}
	if _, ca, ok := strings.Cut(env["EVENKEEL_DATABASE_URL"], "sslrootcert="); ok && !files[ca] {
		say("EVENKEEL_DATABASE_URL reads %s, where nothing is mounted", ca)
	}
	return findings
}

// deploymentPolicies hold for what runs all the time.
func deploymentPolicies(cmd commands, docs []doc, d doc) (findings []string) {
	say := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	labels := at(d, "spec", "template", "metadata", "labels")
	pod := at(d, "spec", "template", "spec")
	c := at(pod, "containers", 0)
	target := text(labels, "app.kubernetes.io/component")
	if target != text(c, "name") || !slices.Contains(list(c, "args"), any("--target="+target)) {
		say("is called %s and runs %v", target, list(c, "args"))
	}
	if !selects(at(d, "spec", "selector", "matchLabels"), labels) {
		say("its selector does not select its own pods")
	}
	if text(d, "spec", "strategy", "rollingUpdate", "maxUnavailable") != "0" {
		say("maxUnavailable of a rollout must be 0")
	}
	if text(d, "spec", "template", "metadata", "annotations", "checksum/config") == "" {
		say("needs the annotation checksum/config, or a changed setting restarts nobody")
	}
	if name := text(pod, "serviceAccountName"); find(docs, "ServiceAccount", name) == nil {
		say("the ServiceAccount %s is not there", name)
	}
	for probe, want := range map[string]string{"startupProbe": "/readyz", "livenessProbe": "/livez", "readinessProbe": "/readyz"} {
		if got := text(c, probe, "httpGet", "path"); got != want {
			say("%s asks %q, not %s", probe, got, want)
		}
		if port := text(c, probe, "httpGet", "port"); !hasPort(d, port) {
			say("%s asks port %s, which is not there", probe, port)
		}
		if number(c, probe, "timeoutSeconds") <= readyWithin {
			say("%s gives up before /readyz does (%d s)", probe, readyWithin)
		}
	}
	// Endpoints forget the pod, then the program stops, then there is a rest.
	if grace, least := number(pod, "terminationGracePeriodSeconds"), number(c, "lifecycle", "preStop", "sleep", "seconds")+cmd.stopSeconds; grace <= least {
		say("terminationGracePeriodSeconds is %d; waiting and stopping take %d", grace, least)
	}
	spread := list(pod, "topologySpreadConstraints")
	if len(spread) != 2 {
		say("topologySpreadConstraints: want zone and host")
	}
	for _, t := range spread {
		if !selects(at(t, "labelSelector", "matchLabels"), labels) {
			say("topologySpreadConstraints by %s does not count its own pods", text(t, "topologyKey"))
		}
	}
	budgets := 0
	for _, b := range ofKind(docs, "PodDisruptionBudget") {
		if selects(at(b, "spec", "selector", "matchLabels"), labels) && text(b, "metadata", "name") == text(d, "metadata", "name") {
			budgets++
		}
	}
	if replicas := number(d, "spec", "replicas"); (replicas >= 2) != (budgets == 1) {
		say("has %d replicas and %d PodDisruptionBudgets of its name: want one from 2 replicas up, which would stop a drain with 1", replicas, budgets)
	}
	for _, a := range list(c, "args") {
		pattern, ok := strings.CutPrefix(fmt.Sprint(a), "--service-address=default=")
		if !ok {
			continue
		}
		for _, o := range ofKind(docs, "Deployment") {
			name := text(o, "metadata", "labels", "app.kubernetes.io/component")
			if name == "gateway" {
				continue
			}
			host, port, _ := strings.Cut(strings.ReplaceAll(pattern, "{}", name), ":")
			v := find(docs, "Service", host)
			if !slices.ContainsFunc(list(v, "spec", "ports"), func(p any) bool { return text(p, "port") == port }) {
				say("looks for %s at %s:%s, where no Service is", name, host, port)
			}
		}
	}
	return findings
}

// readyWithin is how long /readyz itself may take, in seconds: pkg/host/ops.go.
const readyWithin = 2

// networkPolicies: all doors are closed, and each pod has those that it needs.
func networkPolicies(s set, docs, pods []doc) (findings []string) {
	all := ofKind(docs, "NetworkPolicy")
	if s.name == "minimal" { // switched off there
		if len(all) > 0 {
			findings = append(findings, "NetworkPolicies are rendered though they are off")
		}
		return findings
	}
	deny := slices.IndexFunc(all, func(p doc) bool { return strings.HasSuffix(text(p, "metadata", "name"), "-default-deny") })
	if deny < 0 {
		return []string{"there is no NetworkPolicy default-deny"}
	}
	for _, d := range pods {
		name := text(d, "kind") + " " + text(d, "metadata", "name")
		labels := at(d, "spec", "template", "metadata", "labels")
		if !selects(at(all[deny], "spec", "podSelector", "matchLabels"), labels) {
			findings = append(findings, name+": default-deny does not select it")
		}
		own := 0
		for i, p := range all {
			if i == deny || !selects(at(p, "spec", "podSelector", "matchLabels"), labels) {
				continue
			}
			own++
			for _, in := range list(p, "spec", "ingress") {
				for _, port := range list(in, "ports") {
					if !hasPort(d, text(port, "port")) {
						findings = append(findings, fmt.Sprintf("%s: its NetworkPolicy lets in by port %s, which it does not have", name, text(port, "port")))
					}
				}
				if len(list(in, "from")) == 0 && text(in, "ports", 0, "port") == "grpc" {
					findings = append(findings, name+": everybody may call its gRPC port")
				}
			}
		}
		if own != 1 {
			findings = append(findings, fmt.Sprintf("%s: has %d NetworkPolicies of its own, not 1", name, own))
		}
	}
	for _, p := range all {
		if text(p, "spec", "policyTypes") != "[Ingress Egress]" {
			findings = append(findings, "NetworkPolicy "+text(p, "metadata", "name")+": must rule both ways")
		}
	}
	return findings
}
