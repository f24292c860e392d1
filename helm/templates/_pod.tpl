{{/* The pod of the Deployment and of the StatefulSet. */}}
{{- define "excise.podTemplate" -}}
metadata:
  labels:
    {{- mergeOverwrite (deepCopy .Values.podLabels) (include "excise.podLabels" . | fromYaml) | toYaml | nindent 4 }}
  annotations:
    # gateway.yaml is read at start only, so its change rolls the pods. Accounts, models, policies and secrets are re-read.
    checksum/settings: {{ include "excise.settings" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "excise.serviceAccountName" . | quote }}
  automountServiceAccountToken: false
  # A service named gateway would set variables that look like settings.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "excise.grace" . }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  securityContext:
    {{- include "excise.podSecurity" . | nindent 4 }}
  {{- with include "excise.initContainers" . | trim }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    - name: gateway
      {{- include "excise.program" . | nindent 6 }}
      args: [serve]
      ports:
        - {name: {{ include "excise.dataPortName" . }}, containerPort: {{ int .Values.ports.data }}}
        - {name: ops, containerPort: {{ int .Values.ports.ops }}}
        {{- if .Values.admin.expose }}
        - {name: admin, containerPort: {{ int .Values.ports.admin }}}
        {{- end }}
      startupProbe:
        {{- mergeOverwrite (dict "httpGet" (dict "path" "/healthz" "port" "ops")) .Values.probes.startup | toYaml | nindent 8 }}
      readinessProbe:
        {{- mergeOverwrite (dict "httpGet" (dict "path" "/readyz" "port" "ops")) .Values.probes.readiness | toYaml | nindent 8 }}
      livenessProbe:
        {{- mergeOverwrite (dict "httpGet" (dict "path" "/healthz" "port" "ops")) .Values.probes.liveness | toYaml | nindent 8 }}
      {{- with int .Values.preStopSleepS }}
      lifecycle:
        preStop:
          {{- if semverCompare ">=1.30-0" $.Capabilities.KubeVersion.Version }}
          sleep: {seconds: {{ . }}}
          {{- else }}
          exec: {command: [python, -c, "import time; time.sleep({{ . }})"]}
          {{- end }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        {{- include "excise.configMounts" . | nindent 8 }}
        - {name: usage, mountPath: /var/lib/gateway}
  volumes:
    {{- include "excise.volumes" . | trim | nindent 4 }}
  {{- with .Values.topologySpread }}
  topologySpreadConstraints:
    {{- range $key, $when := . }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $when }}
      labelSelector:
        matchLabels:
          {{- include "excise.podLabels" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Image, environment and confinement: the same for the gateway, its checks and the test. */}}
{{- define "excise.program" -}}
image: {{ include "excise.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - {name: GATEWAY_CONFIG, value: /etc/gateway/config/gateway.yaml}
  {{- range $name, $value := .Values.extraEnv }}
  - name: {{ $name }}
    {{- if kindIs "string" $value }}
    value: {{ $value | quote }}
    {{- else }}
    valueFrom:
      {{- toYaml $value | nindent 6 }}
    {{- end }}
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  readOnlyRootFilesystem: true
  runAsNonRoot: true
{{- end }}

{{- define "excise.podSecurity" -}}
runAsNonRoot: true
{{- if not (kindIs "invalid" .Values.runAsUser) }}
runAsUser: {{ int .Values.runAsUser }}
runAsGroup: {{ int .Values.runAsUser }}
{{- end }}
{{- if not (kindIs "invalid" .Values.fsGroup) }}
fsGroup: {{ int .Values.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* The same image, user and mounts as the gateway, so that what they find is what it would find. */}}
{{- define "excise.initContainers" -}}
{{- range (list
  (list "check-config" .Values.verify.config (list "config" "check"))
  (list "lint-policies" .Values.verify.policyLint (list "policy" "lint" "/etc/gateway/policies"))
  (list "test-policies" .Values.verify.policyTest (list "policy" "test" "/etc/gateway/policies"))
) }}
{{- if index . 1 }}
- name: {{ index . 0 }}
  {{- include "excise.program" $ | nindent 2 }}
  args: [{{ join ", " (index . 2) }}]
  resources:
    {{- toYaml $.Values.resources | nindent 4 }}
  volumeMounts:
    {{- include "excise.configMounts" $ | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
