{{/* Whole directories, never subPath: only they change when a ConfigMap or a Secret does. */}}
{{- define "excise.volumes" -}}
{{- $name := include "excise.fullname" . }}
- name: config
  projected:
    defaultMode: 0444
    sources:
      - configMap:
          name: {{ $name }}-settings
      - {{ include "excise.source" (dict "values" .Values.models "name" (printf "%s-models" $name) "path" "models.yaml") | trim | nindent 8 | trim }}
      - {{ include "excise.source" (dict "values" .Values.accounts "name" (printf "%s-accounts" $name) "path" "accounts.yaml") | trim | nindent 8 | trim }}
- name: policies
  configMap:
    name: {{ default (printf "%s-policies" $name) .Values.policies.existingConfigMap | quote }}
    defaultMode: 0444
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $folder, $pepper := dict "current" .Values.pepper "previous" .Values.previousPepper }}
      {{- if $pepper.secretName }}
      - secret:
          name: {{ $pepper.secretName | quote }}
          items:
            - {key: {{ $pepper.key | quote }}, path: peppers/{{ $folder }}}
      {{- end }}
      {{- end }}
      {{- range $upstream, $secret := .Values.upstreamSecrets }}
      - secret:
          name: {{ $secret.secretName | quote }}
          items:
            {{- range $field, $key := include "excise.upstreamFiles" $secret | fromYaml }}
            - {key: {{ $key | quote }}, path: upstreams/{{ $upstream }}/{{ $field }}}
            {{- end }}
      {{- end }}
      {{- with .Values.tls }}
      {{- if .secretName }}
      - secret:
          name: {{ .secretName | quote }}
          items:
            - {key: {{ .certKey | quote }}, path: tls/tls.crt}
            - {key: {{ .keyKey | quote }}, path: tls/tls.key}
      {{- end }}
      {{- end }}
      {{- with .Values.store.passwordSecret }}
      {{- if .secretName }}
      - secret:
          name: {{ .secretName | quote }}
          items:
            - {key: {{ .key | quote }}, path: store/password}
      {{- end }}
      {{- end }}
      {{- with .Values.store.caSecret }}
      {{- if .secretName }}
      - secret:
          name: {{ .secretName | quote }}
          items:
            - {key: {{ .key | quote }}, path: store/ca.crt}
      {{- end }}
      {{- end }}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
- name: usage
  {{- if eq (include "excise.storeKind" .) "sqlite" }}
  persistentVolumeClaim:
    claimName: {{ include "excise.claimName" . | quote }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* One file of the config volume: the chart's ConfigMap, or an object of the user's. */}}
{{- define "excise.source" -}}
{{- if .values.existingSecret }}
secret:
  name: {{ .values.existingSecret | quote }}
{{- else }}
configMap:
  name: {{ default .name .values.existingConfigMap | quote }}
{{- end }}
  items:
    {{- if or .values.existingSecret .values.existingConfigMap }}
    - {key: {{ .values.key | quote }}, path: {{ .path }}}
    {{- else }}
    - {key: {{ .path }}, path: {{ .path }}}
    {{- end }}
{{- end }}

{{- define "excise.configMounts" -}}
- {name: config, mountPath: /etc/gateway/config, readOnly: true}
- {name: policies, mountPath: /etc/gateway/policies, readOnly: true}
- {name: secrets, mountPath: /etc/gateway/secrets, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
