{{/* gateway.yaml: config of the values, and what the chart itself decides laid over it. */}}
{{- define "excise.settings" -}}
{{- $settings := deepCopy .Values.config }}
{{- $data := dict "host" .Values.bindAddress "port" (int .Values.ports.data) }}
{{- with .Values.tls.secretName }}
{{- $_ := set $data "tls" (dict "cert_file" "/etc/gateway/secrets/tls/tls.crt" "key_file" "/etc/gateway/secrets/tls/tls.key") }}
{{- end }}
{{- $_ := set $settings "data" (mergeOverwrite (default dict $settings.data) $data) }}
{{- $_ := set $settings "ops" (dict "host" .Values.bindAddress "port" (int .Values.ports.ops)) }}
{{- $_ := set $settings "admin" (include "excise.admin" . | fromYaml) }}
{{- $_ := set $settings "store" .Values.store.url }}
{{- if eq (include "excise.storeKind" .) "redis" }}
{{- $replicas := ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled }}
{{- $redis := dict "replicas" (int $replicas) "undelivered_file" "/var/lib/gateway/undelivered.jsonl" }}
{{- if .Values.store.passwordSecret.secretName }}
{{- $_ := set $redis "password_file" "/etc/gateway/secrets/store/password" }}
{{- end }}
{{- if .Values.store.caSecret.secretName }}
{{- $_ := set $redis "ca_file" "/etc/gateway/secrets/store/ca.crt" }}
{{- end }}
{{- $_ := set $settings "redis" (mergeOverwrite (default dict $settings.redis) $redis) }}
{{- end }}
{{- $_ := set $settings "files" (dict "accounts" "accounts.yaml" "models" "models.yaml" "policies" "/etc/gateway/policies") }}
{{- $peppers := list }}
{{- range $folder, $pepper := dict "current" .Values.pepper "previous" .Values.previousPepper }}
{{- if $pepper.secretName }}
{{- $entry := dict "file" (printf "/etc/gateway/secrets/peppers/%s" $folder) }}
{{- with $pepper.id }}{{- $_ := set $entry "id" . }}{{- end }}
{{- $peppers = append $peppers $entry }}
{{- end }}
{{- end }}
{{- $_ := set $settings "key_pepper_files" $peppers }}
{{- range $name, $secret := .Values.upstreamSecrets }}
{{- with get $settings.upstreams $name }}
{{- range $field, $key := include "excise.upstreamFiles" $secret | fromYaml }}
{{- $_ := set (get $settings.upstreams $name) $field (printf "/etc/gateway/secrets/upstreams/%s/%s" $name $field) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $settings }}
{{- end }}

{{- define "excise.admin" -}}
port: {{ int .Values.ports.admin }}
{{- if .Values.admin.expose }}
{{- $service := printf "%s-admin" (include "excise.fullname" .) }}
host: {{ .Values.bindAddress | quote }}
allowed_hosts:
  - "127.0.0.1"
  - "localhost"
  - "[::1]"
  - {{ $service }}
  - {{ $service }}.{{ .Release.Namespace }}
  - {{ $service }}.{{ .Release.Namespace }}.svc
  {{- range .Values.admin.allowedHosts }}
  - {{ . | quote }}
  {{- end }}
{{- else }}
host: "127.0.0.1"
{{- end }}
{{- end }}

{{/* Setting of an upstream to the key of its secret that holds the file. */}}
{{- define "excise.upstreamFiles" -}}
{{- with .key }}
api_key_file: {{ . | quote }}
{{- end }}
{{- with .caKey }}
ca_file: {{ . | quote }}
{{- end }}
{{- with .clientCertKey }}
client_cert_file: {{ . | quote }}
{{- end }}
{{- with .clientKeyKey }}
client_key_file: {{ . | quote }}
{{- end }}
{{- end }}

{{/* A file given as text, byte for byte, or as a mapping. */}}
{{- define "excise.file" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toYaml . }}{{ end }}
{{- end }}
