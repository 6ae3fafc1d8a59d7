{{/* The labels of each resource. */}}
{{- define "credential-resolver.labels" -}}
app.kubernetes.io/name: credential-resolver
app.kubernetes.io/instance: {{ toYaml .Release.Name }}
{{- end }}

{{/* The image of the component. */}}
{{- define "credential-resolver.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* The applications' pods, by the labels that Dapr's injector adds. */}}
{{- define "credential-resolver.podSelector" -}}
{{- if .Values.scopes -}}
matchExpressions:
  - key: dapr.io/app-id
    operator: In
    values:
      {{- toYaml .Values.scopes | nindent 6 }}
{{- else -}}
matchLabels:
  dapr.io/sidecar-injected: "true"
{{- end }}
{{- end }}

{{/* The metadata of one store, as a list. Takes the name of the store and the store. */}}
{{- define "credential-resolver.storeMetadata" -}}
{{- $items := list }}
{{- with .store.type }}{{ $items = append $items (dict "name" $.name "value" .) }}{{ end }}
{{- range .store.metadata }}
{{- $items = append $items (merge (dict "name" (printf "%s.%s" $.name .name)) .) }}
{{- end }}
{{- with .store.allowedSecrets }}
{{- $items = append $items (dict "name" (printf "%s.allowedSecrets" $.name) "value" (join "," .)) }}
{{- end }}
{{- toJson $items }}
{{- end }}

{{/* The metadata of the Component, as a list. */}}
{{- define "credential-resolver.metadata" -}}
{{- $items := include "credential-resolver.storeMetadata" (dict "name" "configStore" "store" .Values.configStore) | fromJsonArray }}
{{- with .Values.configStore.key }}{{ $items = append $items (dict "name" "configKey" "value" .) }}{{ end }}
{{- $items = include "credential-resolver.storeMetadata" (dict "name" "secretStore" "store" .Values.secretStore) | fromJsonArray | concat $items }}
{{- range $name, $store := .Values.secretStores }}
{{- $items = include "credential-resolver.storeMetadata" (dict "name" (printf "secretStores.%s" $name) "store" $store) | fromJsonArray | concat $items }}
{{- end }}
{{- $items = append $items (dict "name" "allowedSecrets" "value" (join "," .Values.allowedSecrets)) }}
{{- range $name, $value := .Values.settings }}
{{- if kindIs "slice" $value }}{{ $value = join "," $value | default "none" }}{{ end }}
{{- if kindIs "float64" $value }}{{ $value = int64 $value }}{{ end }}
{{- $items = append $items (dict "name" $name "value" (toString $value)) }}
{{- end }}
{{- toYaml $items }}
{{- end }}

{{/* The mounts of the volumes that the application's pod must have. */}}
{{- define "credential-resolver.volumeMounts" -}}
{{- $mounts := concat .Values.configStore.volumeMounts .Values.secretStore.volumeMounts }}
{{- range .Values.secretStores }}{{ $mounts = concat $mounts (.volumeMounts | default list) }}{{ end }}
{{- $mounts = append $mounts (dict "name" "credential-state" "mountPath" "/run/credential-resolver") }}
{{- with .Values.container.audit }}
{{- if .log }}
{{- $mounts = append $mounts (dict "name" "credential-audit-key" "mountPath" "/etc/credential-resolver/audit" "readOnly" true) }}
{{- $mounts = concat $mounts .volumeMounts }}
{{- end }}
{{- end }}
{{- uniq $mounts | toYaml }}
{{- end }}

{{/* The container that Dapr's injector adds. Its user is that of daprd, which must write to the socket. */}}
{{- define "credential-resolver.container" -}}
name: credential-resolver
image: {{ include "credential-resolver.image" . | toJson }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - serve
  - --shared-socket-folder
  - --single-daprd
  - --shutdown-delay={{ .Values.container.shutdownDelay }}
  {{- if ne .Values.container.logLevel "info" }}
  - --log-level={{ .Values.container.logLevel }}
  {{- end }}
  {{- if .Values.container.logAsJSON }}
  - --log-as-json
  {{- end }}
  {{- if .Values.metrics.enabled }}
  - --metrics-listen=:{{ .Values.metrics.port }}
  {{- end }}
  {{- with .Values.container.audit }}
  {{- if .log }}
  {{- if and (ne .log "stdout") (not .volumeMounts) }}
  {{- fail "container.audit.log is a file: mount its folder with container.audit.volumeMounts" }}
  {{- end }}
  - --audit-log={{ .log }}
  - --audit-key-file=/etc/credential-resolver/audit/audit.key
  {{- end }}
  {{- if .required }}
  {{- if not .log }}{{ fail "container.audit.required needs container.audit.log" }}{{ end }}
  - --audit-required
  {{- end }}
  {{- end }}
  {{- range .Values.container.extraArgs }}
  - {{ toJson . }}
  {{- end }}
{{- with .Values.container.env }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.metrics.enabled }}
ports:
  - name: cred-metrics
    containerPort: {{ .Values.metrics.port }}
{{- end }}
volumeMounts:
  {{- include "credential-resolver.volumeMounts" . | nindent 2 }}
livenessProbe:
  exec:
    command: [/credential-resolver, healthcheck]
  periodSeconds: 20
  failureThreshold: 3
readinessProbe:
  exec:
    command: [/credential-resolver, healthcheck]
  periodSeconds: 10
resources:
  {{- toYaml .Values.container.resources | nindent 2 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* The same container as a native sidecar, in the initContainers of a pod. */}}
{{- define "credential-resolver.nativeSidecar" -}}
{{- $container := include "credential-resolver.container" . | fromYaml }}
{{- $socket := dict "name" "credential-socket" "mountPath" "/tmp/dapr-components-sockets" }}
{{- $_ := set $container "volumeMounts" (append $container.volumeMounts $socket) }}
{{- $_ := set $container "restartPolicy" "Always" }}
{{- $probe := dict "exec" (dict "command" (list "/credential-resolver" "healthcheck")) "periodSeconds" 1 "failureThreshold" 60 }}
{{- $_ := set $container "startupProbe" $probe }}
{{- toYaml $container }}
{{- end }}
