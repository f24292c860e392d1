{{/* Names and labels. 52: a StatefulSet lends its name, a dash and ten characters to a label of 63. */}}

{{- define "excise.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "excise.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "excise.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "excise.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "excise.selectorLabels" -}}
app.kubernetes.io/name: {{ include "excise.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "excise.labels" -}}
{{ include "excise.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The gateway's pods, not the test's. */}}
{{- define "excise.podLabels" -}}
{{ include "excise.selectorLabels" . }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "excise.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "excise.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "excise.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "excise.dataPortName" -}}
{{- if .Values.tls.secretName }}https{{ else }}http{{ end }}
{{- end }}

{{/* memory:, sqlite or redis: who may share the store, and what kind of workload it needs. */}}
{{- define "excise.storeKind" -}}
{{- if hasPrefix "redis" .Values.store.url }}redis{{ else }}{{ first (splitList ":" .Values.store.url) }}{{ end }}
{{- end }}

{{- define "excise.workloadKind" -}}
{{- if eq (include "excise.storeKind" .) "sqlite" }}StatefulSet{{ else }}Deployment{{ end }}
{{- end }}

{{- define "excise.claimName" -}}
{{- default (printf "%s-usage" (include "excise.fullname" .)) .Values.store.persistence.existingClaim }}
{{- end }}
