{{/* What no schema can say. Each refusal says what to do. */}}
{{- define "excise.checks" -}}
{{- $store := include "excise.storeKind" . }}
{{- $name := include "excise.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
{{- fail (printf "%s: this name is made of the release's and cannot be a service's: expected small letters, digits and dashes, a letter first; choose another release name, or set fullnameOverride" $name) }}
{{- end }}
{{- if not .Values.config.upstreams }}
{{- fail "config.upstreams: name at least one model server, such as --set config.upstreams.main.base_url=http://engine:8000/v1" }}
{{- end }}
{{- if not .Values.pepper.secretName }}
{{- fail "pepper.secretName: name the secret that holds the pepper; to make one: gateway keys new-pepper pepper.txt, then kubectl create secret generic excise-pepper --from-file=pepper=pepper.txt" }}
{{- end }}
{{- if and (ne $store "redis") (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) }}
{{- fail (printf "store.url: %s belongs to one process, so every replica would grant every limit anew; set replicas to 1 and autoscaling.enabled to false, or use a shared store (redis://...)" .Values.store.url) }}
{{- end }}
{{- if and (eq $store "sqlite") (not (regexMatch "^sqlite:/var/lib/gateway/[^/.][^/]*$" .Values.store.url)) }}
{{- fail "store.url: the volume is at /var/lib/gateway and nothing else can be written; expected sqlite:/var/lib/gateway/NAME" }}
{{- end }}
{{- if and (eq $store "redis") (regexMatch "^[^/]*//[^@/?]*:[^@]*@|[?&]password=" .Values.store.url) }}
{{- fail "store.url: no password in the URL, values are no secret; name it in store.passwordSecret" }}
{{- end }}
{{- $least := include "excise.leastGrace" . | int }}
{{- with int .Values.terminationGracePeriodSeconds }}
{{- if lt . $least }}
{{- fail (printf "terminationGracePeriodSeconds: %d is too short and would kill streams that may still finish; expected at least %d (config.timers.drain_s + preStopSleepS + 10), or 0 to have it computed" . $least) }}
{{- end }}
{{- end }}
{{- range $name, $secret := .Values.upstreamSecrets }}
{{- if not (hasKey $.Values.config.upstreams $name) }}
{{- fail (printf "upstreamSecrets.%s: config.upstreams has no upstream of this name" $name) }}
{{- end }}
{{- end }}
{{- if and .Values.policies.existingConfigMap .Values.policies.inline }}
{{- fail "policies: expected inline or existingConfigMap, found both" }}
{{- end }}
{{- if and .Values.accounts.existingConfigMap .Values.accounts.existingSecret }}
{{- fail "accounts: expected existingConfigMap or existingSecret, found both" }}
{{- end }}
{{- if .Values.networkPolicy.enabled }}
{{- if not .Values.networkPolicy.egress.upstreams }}
{{- fail "networkPolicy.egress.upstreams: without an entry no upstream can be reached; expected {NAME: {to: PEER, ports: [PORT]}}" }}
{{- end }}
{{- if and (eq $store "redis") (not .Values.networkPolicy.egress.store) }}
{{- fail "networkPolicy.egress.store: without it Redis cannot be reached; expected {to: PEER, ports: [PORT]}" }}
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.hosts: name at least one host, such as {api.example.com: {tlsSecretName: api-tls}}" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.parentRefs: name the Gateway that the route belongs to" }}
{{- end }}
{{- end }}

{{/* Seconds from the deletion of a pod to the last settled stream: preStop, the drain, the forced goodbye. */}}
{{- define "excise.leastGrace" -}}
{{- $drain := 300.0 }}
{{- with .Values.config.timers }}{{- if hasKey . "drain_s" }}{{- $drain = float64 .drain_s }}{{- end }}{{- end }}
{{- add (ceil $drain | int) (int .Values.preStopSleepS) 10 }}
{{- end }}

{{- define "excise.grace" -}}
{{- $least := include "excise.leastGrace" . | int }}
{{- default (add $least 5) (int .Values.terminationGracePeriodSeconds) }}
{{- end }}
