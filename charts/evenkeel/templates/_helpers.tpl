{{/* The name of everything in the release. */}}
{{- define "evenkeel.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of the release; with a component, of one target. */}}
{{- define "evenkeel.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "evenkeel.labels" -}}
{{ include "evenkeel.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: evenkeel
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "evenkeel.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/*
The targets that run, as YAML: name → settings, each with the defaults filled in. The simulated payer runs in a sandbox and nowhere else.
*/}}
{{- define "evenkeel.targets" -}}
{{- $out := dict -}}
{{- range $name, $own := .Values.targets -}}
{{- $own = default dict $own -}}
{{- $runs := dig "enabled" true $own -}}
{{- if eq $name "payersim" -}}
{{- $runs = and $runs $.Values.sandbox.enabled -}}
{{- end -}}
{{- if $runs -}}
{{- $_ := set $out $name (mergeOverwrite (deepCopy $.Values.defaults) (omit $own "enabled")) -}}
{{- end -}}
{{- end -}}
{{- toYaml $out -}}
{{- end -}}

{{/* What all containers of ours may do: nothing. */}}
{{- define "evenkeel.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "evenkeel.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "evenkeel.volumeMounts" -}}
- name: master
  mountPath: /etc/evenkeel/master
  readOnly: true
{{- if .Values.database.ca.secretName }}
- name: database-ca
  mountPath: /etc/evenkeel/database-ca
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "evenkeel.volumes" -}}
- name: master
  secret:
    secretName: {{ .Values.secrets.master.name }}
    defaultMode: 0440
    items:
      - key: {{ .Values.secrets.master.key }}
        path: secret
{{- with .Values.database.ca }}
{{- if .secretName }}
- name: database-ca
  secret:
    secretName: {{ .secretName }}
    items:
      - key: {{ .key }}
        path: ca.crt
{{- end }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- end -}}

{{/* What a target needs to speak to Kafka, and the migration does not: name of the volume → its Secret and the files in it, as YAML. */}}
{{- define "evenkeel.kafkaSecrets" -}}
{{- $out := dict -}}
{{- with .Values.kafka.tls -}}
{{- if .ca.secretName -}}
{{- $_ := set $out "kafka-ca" (dict "secretName" .ca.secretName "items" (list (dict "key" .ca.key "path" "ca.crt"))) -}}
{{- end -}}
{{- if .certificate.secretName -}}
{{- $_ := set $out "kafka-certificate" (dict "secretName" .certificate.secretName "items" (list (dict "key" "tls.crt" "path" "tls.crt") (dict "key" "tls.key" "path" "tls.key"))) -}}
{{- end -}}
{{- end -}}
{{- with .Values.kafka.sasl -}}
{{- if .mechanism -}}
{{- $_ := set $out "kafka-password" (dict "secretName" .password.secretName "items" (list (dict "key" .password.key "path" "password"))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $out -}}
{{- end -}}

{{/* Refuses values that fit the schema and not each other, all at once. */}}
{{- define "evenkeel.check" -}}
{{- $problems := list -}}
{{- if and .Values.image.requireDigest (not .Values.image.digest) -}}
{{- $problems = append $problems "image.digest: required, since image.requireDigest is set; give the sha256 of the image that was tested" -}}
{{- end -}}
{{- if and .Values.database.ca.secretName (not (contains "sslrootcert=/etc/evenkeel/database-ca/ca.crt" .Values.database.url)) -}}
{{- $problems = append $problems "database.url: must say sslrootcert=/etc/evenkeel/database-ca/ca.crt, since database.ca.secretName is set" -}}
{{- end -}}
{{- with .Values.kafka -}}
{{- if and (not .tls.enabled) (or .tls.ca.secretName .tls.certificate.secretName) -}}
{{- $problems = append $problems "kafka.tls.enabled: required, since a Secret of kafka.tls is named" -}}
{{- end -}}
{{- if and .sasl.mechanism (not .sasl.username) -}}
{{- $problems = append $problems "kafka.sasl.username: required, since kafka.sasl.mechanism is set" -}}
{{- end -}}
{{- if and .sasl.mechanism (not .sasl.password.secretName) -}}
{{- $problems = append $problems "kafka.sasl.password.secretName: required, since kafka.sasl.mechanism is set" -}}
{{- end -}}
{{- if and (not .sasl.mechanism) (or .sasl.username .sasl.password.secretName) -}}
{{- $problems = append $problems "kafka.sasl.mechanism: required, since a username or a password is given" -}}
{{- end -}}
{{- if and (eq .sasl.mechanism "PLAIN") (not .tls.enabled) -}}
{{- $problems = append $problems "kafka.tls.enabled: required with the mechanism PLAIN, which sends the password as it is" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- $problems = append $problems "ingress.host: required, since ingress.enabled is set" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.tlsSecretName) -}}
{{- $problems = append $problems "ingress.tlsSecretName: required, since ingress.enabled is set; the console and the API carry health data" -}}
{{- end -}}
{{- if and .Values.image.requireDigest .Values.sandbox.enabled -}}
{{- $problems = append $problems "sandbox.enabled: not together with image.requireDigest (production): a sandbox's clock is moved by its users" -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n  - %s" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}
