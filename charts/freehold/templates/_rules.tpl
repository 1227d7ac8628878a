{{/* All that the operator asks of the API server; docs/security.md says the same. */}}
{{- define "freehold.rules" -}}
- apiGroups: [sdpf.freehold.dev]
  resources: [sdpftenants]
  # patch: the finalizer.
  verbs: [list, watch, patch]
- apiGroups: [sdpf.freehold.dev]
  resources: [dedicatedhypervisors, guestlicenses, vcenterregistrations]
  # get: a fresh read before something is bought. patch: the finalizer, and the annotation freehold.dev/target.
  verbs: [get, list, watch, patch]
- apiGroups: [sdpf.freehold.dev]
  resources: [sdpftenants/status, dedicatedhypervisors/status, guestlicenses/status, vcenterregistrations/status]
  verbs: [patch]
- apiGroups: [cloudos.freehold.dev]
  resources: [cloudostenants]
  verbs: [list, watch, patch]
- apiGroups: [cloudos.freehold.dev]
  resources: [baremetalnodes]
  verbs: [get, list, watch, patch]
- apiGroups: [cloudos.freehold.dev]
  resources: [cloudostenants/status, baremetalnodes/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  # create and delete: generated passwords and licence keys. patch: the finalizer of credentials in use, and a licence
  # key that is no longer what the remote says.
  verbs: [get, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- define "freehold.leaderRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  # list: with shards, and once after them, for the Leases of another count of shards.
  verbs: [get, list, create, patch, watch]
{{- end }}
