{{/* The arguments of one shard. Takes a dict of root and shard. */}}
{{- define "freehold.args" -}}
{{- $v := .root.Values -}}
- run
- --owner-id={{ $v.ownerID }}
{{- with $v.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
{{- with $v.allowedEndpoints }}
- --allowed-endpoints={{ join "," . }}
{{- end }}
{{- if $v.allowInsecureEndpoints }}
- --allow-insecure-endpoints
{{- end }}
- --leader-elect={{ $v.leaderElection.enabled }}
- --lease-name={{ $v.leaderElection.leaseName | default (include "freehold.fullname" .root) }}
{{- with $v.leaderElection.leaseNamespace }}
- --lease-namespace={{ . }}
{{- end }}
- --lease-duration={{ $v.leaderElection.leaseDuration }}
- --renew-deadline={{ $v.leaderElection.renewDeadline }}
- --retry-period={{ $v.leaderElection.retryPeriod }}
{{- if gt (int $v.shards) 1 }}
- --shards={{ $v.shards }}
- --shard={{ .shard }}
{{- end }}
- --settle-window={{ $v.settings.settleWindow }}
- --absence-interval={{ $v.settings.absenceInterval }}
- --motion-interval={{ $v.settings.motionInterval }}
- --stale-after={{ $v.settings.staleAfter }}
- --secret-interval={{ $v.settings.secretInterval }}
- --read-deadline={{ $v.settings.readDeadline }}
- --write-deadline={{ $v.settings.writeDeadline }}
- --workers={{ $v.settings.workers }}
- --listen=:{{ $v.port }}
- --log-level={{ $v.logLevel }}
{{- with $v.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}
