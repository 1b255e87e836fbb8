{{- define "countinghouse.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "countinghouse.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "countinghouse.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "countinghouse.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "countinghouse.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "countinghouse.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "countinghouse.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "countinghouse.claim" -}}
{{- .Values.dataFiles.volume.existingClaim | default (printf "%s-files" (include "countinghouse.name" .)) }}
{{- end }}

{{/* What all pods are: who runs them, and what they may not. */}}
{{- define "countinghouse.pod" -}}
serviceAccountName: {{ include "countinghouse.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false # or a service's name would be read as a setting
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: state
    emptyDir: {}
  - name: temporary
    emptyDir: {}
  {{- if not .Values.dataFiles.url }}
  - name: files
    persistentVolumeClaim: {claimName: {{ include "countinghouse.claim" . }}}
  {{- end }}
  {{- with .Values.tokens.secret }}
  - name: tokens
    secret: {secretName: {{ . }}, defaultMode: 0440}
  {{- end }}
  {{- with .Values.tls.secret }}
  - name: tls
    secret: {secretName: {{ . }}, defaultMode: 0440}
  {{- end }}
{{- end }}

{{- define "countinghouse.container" -}}
image: {{ include "countinghouse.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- with .Values.extraEnvFrom }}
envFrom: {{ toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - {name: state, mountPath: /var/lib/countinghouse}
  - {name: temporary, mountPath: /tmp}
  {{- if not .Values.dataFiles.url }}
  - {name: files, mountPath: /var/lib/countinghouse/files}
  {{- end }}
  {{- if .Values.tokens.secret }}
  - {name: tokens, mountPath: /etc/countinghouse/tokens, readOnly: true}
  {{- end }}
  {{- if .Values.tls.secret }}
  - {name: tls, mountPath: /etc/countinghouse/tls, readOnly: true}
  {{- end }}
{{- end }}

{{- define "countinghouse.environment" -}}
- name: COUNTINGHOUSE_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.database.secret }}, key: {{ .Values.database.key }}}}
- {name: COUNTINGHOUSE_JOBS, value: "false"}
- {name: COUNTINGHOUSE_METRICS_LISTEN, value: {{ if .Values.metrics.enabled }}"0.0.0.0:{{ .Values.metrics.port }}"{{ else }}""{{ end }}}
- {name: COUNTINGHOUSE_SHUTDOWN_GRACE_S, value: {{ .Values.shutdownGraceSeconds | quote }}}
{{- if .Values.tokens.secret }}
- {name: COUNTINGHOUSE_TOKEN_FILE, value: /etc/countinghouse/tokens/{{ .Values.tokens.key }}}
{{- end }}
{{- if .Values.tls.secret }}
- {name: COUNTINGHOUSE_TLS_CERTIFICATE_FILE, value: /etc/countinghouse/tls/tls.crt}
- {name: COUNTINGHOUSE_TLS_KEY_FILE, value: /etc/countinghouse/tls/tls.key}
{{- if .Values.tls.clientAuthorities }}
- {name: COUNTINGHOUSE_TLS_CLIENT_CA_FILE, value: /etc/countinghouse/tls/ca.crt}
{{- end }}
{{- end }}
{{- with .Values.dataFiles.url }}
- {name: COUNTINGHOUSE_DATA_FILES_URL, value: {{ . | quote }}}
{{- end }}
{{- with .Values.dataFiles.endpointUrl }}
- {name: COUNTINGHOUSE_DATA_FILES_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- range $name, $value := .Values.settings }}
- {name: COUNTINGHOUSE_{{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}

{{/* Whether a server is ready. The probe of Kubernetes speaks no TLS: then the command asks, by the pod's certificate. */}}
{{- define "countinghouse.ready" -}}
{{- if .Values.tls.secret }}
exec:
  command:
    - countinghouse
    - --address=127.0.0.1:50051
    - --tls-ca=/etc/countinghouse/tls/ca.crt
    - --tls-server-name={{ required "tls.serverName: the name in the certificate" .Values.tls.serverName }}
    {{- if .Values.tls.clientAuthorities }}
    - --tls-cert=/etc/countinghouse/tls/tls.crt
    - --tls-key=/etc/countinghouse/tls/tls.key
    {{- end }}
    - health
    - --within=4
{{- else }}
grpc: {port: 50051}
{{- end }}
{{- end }}

{{/* How long a pod may take to end: what runs is finished or handed over within the server's own grace. */}}
{{- define "countinghouse.grace" -}}
{{ add .Values.shutdownGraceSeconds 15 }}
{{- end }}
