{{/* What the schema cannot say, or not in words that help. */}}
{{- define "freehold.validate" -}}
{{- $v := .Values }}
{{- if not $v.ownerID }}
{{- fail "ownerID is required, e.g. --set ownerID=my-company-prod. It stands in the marker of all that this installation buys or registers, and is how it finds that again: choose one that outlives the cluster and that no other live cluster has, and never change it (docs/operations.md, \"The owner ID\")" }}
{{- else if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" $v.ownerID) }}
{{- fail (printf "ownerID %q must be 1 to 63 characters of a-z, 0-9 and \"-\", and neither begin nor end with \"-\"" $v.ownerID) }}
{{- end }}
{{- if not $v.image.repository }}
{{- fail "image.repository is required: there is no public image yet. Build one with `make image`, push it where your cluster can pull it, and name it here (docs/install.md)" }}
{{- else if regexMatch "[:@][^/]*$" $v.image.repository }}
{{- fail (printf "image.repository %q must not hold a tag or digest: they have values of their own, image.tag and image.digest" $v.image.repository) }}
{{- end }}
{{- if and $v.rbac.create (not $v.serviceAccount.create) (has ($v.serviceAccount.name | default "default") (list "default")) }}
{{- fail "serviceAccount.name is required where serviceAccount.create is false: else every pod of this namespace that names no service account would have the operator's rights, reading and deleting Secrets among them" }}
{{- end }}
{{- range $v.extraArgs }}
{{- if regexMatch "^--(owner-id|watch-namespaces|allowed-endpoints|allow-insecure-endpoints|leader-elect|lease-name|lease-namespace|lease-duration|renew-deadline|retry-period|shards|shard|settle-window|absence-interval|motion-interval|stale-after|secret-interval|read-deadline|write-deadline|workers|listen|log-level)(=|$)" . }}
{{- fail (printf "extraArgs: %s has a value of its own, which the rest of the chart goes by (rights, grace period, number of pods): set that" .) }}
{{- end }}
{{- end }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" (include "freehold.fullname" .)) }}
{{- fail (printf "the name %q must begin with a letter and hold only a-z, 0-9 and \"-\", since a Service has it: choose another release name, or fullnameOverride" (include "freehold.fullname" .)) }}
{{- end }}
{{- range $v.allowedEndpoints }}
{{- if not (regexMatch "^(\\[[0-9a-fA-F:.]+\\]|[a-zA-Z0-9.*-]+)(:([0-9]{1,5}|\\*))?$" .) }}
{{- fail (printf "allowedEndpoints: %q must be a host or host:port, with * for a part of a name; no scheme, no path" .) }}
{{- end }}
{{- if gt (regexFind "[0-9]*$" (regexFind ":[0-9]+$" .) | int) 65535 }}
{{- fail (printf "allowedEndpoints: the port of %q is greater than 65535" .) }}
{{- end }}
{{- end }}
{{- range $name, $labels := dict "commonLabels" $v.commonLabels "podLabels" $v.podLabels "service.labels" $v.service.labels }}
{{- range $label := keys $labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|component|version|managed-by)|helm\\.sh/chart)$" $label }}
{{- fail (printf "%s: %s is a label that the chart sets itself" $name $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- $write := include "freehold.milliseconds" $v.settings.writeDeadline | int64 }}
{{- if lt (include "freehold.milliseconds" $v.settings.settleWindow | int64) (add $write 300000) }}
{{- fail (printf "settings.settleWindow (%s) must be at least settings.writeDeadline (%s) and 5 minutes: a create may still be carried out after its deadline" $v.settings.settleWindow $v.settings.writeDeadline) }}
{{- end }}
{{- range $name, $value := merge (omit $v.settings "workers") (pick $v.leaderElection "leaseDuration" "renewDeadline" "retryPeriod") }}
{{- if lt (include "freehold.milliseconds" $value | int64) 1000 }}
{{- fail (printf "%s (%s) must be at least 1s" $name $value) }}
{{- end }}
{{- end }}
{{- with $v.leaderElection }}
{{- $lease := include "freehold.milliseconds" .leaseDuration | float64 }}
{{- $renew := include "freehold.milliseconds" .renewDeadline | float64 }}
{{- $retry := include "freehold.milliseconds" .retryPeriod | float64 }}
{{- if or (le $lease $renew) (le $renew (mulf 1.2 $retry)) }}
{{- fail (printf "leaderElection.leaseDuration (%s) must be greater than renewDeadline (%s), and that than 1.2 times retryPeriod (%s)" .leaseDuration .renewDeadline .retryPeriod) }}
{{- end }}
{{- if and (not .enabled) (or (gt (int $v.replicas) 1) (gt (int $v.shards) 1)) }}
{{- fail (printf "leaderElection.enabled is false, so replicas must be 0 or 1 and shards 1 (they are %v and %v): two pods without a Lease buy everything twice" $v.replicas $v.shards) }}
{{- end }}
{{- end }}
{{- end }}
