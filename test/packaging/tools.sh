#!/bin/sh
# Brings the tools of the packaging tests into $1, or into build/tools of this repository: helm (built from source), promtool and
# lua5.1 (taken out of Debian's packages, nothing is installed for them), buildah (installed, which needs root).
# Does nothing for those that are there. Exit code 77: cannot run on this machine, and why.
set -eu
cd "$(dirname "$0")"
helm_version=v4.3.1

say() { echo "packaging: $*" >&2; }
cannot_run() {
	say "cannot run here: $*"
	exit 77
}

out=${1:-../../build/tools}
mkdir -p "$out"
out=$(cd "$out" && pwd)
if command -v flock >/dev/null; then
	exec 9>"$out/.lock"
	flock 9
fi

built_helm() { "$out/helm" version --short 2>/dev/null | grep -qF "$helm_version"; }
if ! built_helm; then
	command -v go >/dev/null || cannot_run 'there is no go command, to build helm: https://go.dev/dl/'
	say "building helm $helm_version (the first time some minutes)"
	# A fixed version in the flags, as Helm's own release has it: charts may ask for it.
	CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=mod GOBIN=$out go install -trimpath \
		-ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$helm_version" "helm.sh/helm/v4/cmd/helm@$helm_version"
	built_helm || { say "the helm that was built says $("$out/helm" version --short)"; exit 1; }
fi

missing=
for tool in promtool lua5.1 buildah; do
	[ -x "$out/$tool" ] || command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null && [ -e /etc/debian_version ] || cannot_run "no$missing, and not Debian (no apt-get)"
export DEBIAN_FRONTEND=noninteractive
case $missing in *buildah*)
	[ "$(id -u)" -eq 0 ] || cannot_run 'needs root, to install buildah' ;;
esac
log=$(mktemp)
scratch=$(mktemp -d)
trap 'rm -rf "$log" "$scratch"' EXIT
run() {
	"$@" >"$log" 2>&1 </dev/null || { sleep 5; "$@" >"$log" 2>&1 </dev/null; } || { tail -n 20 "$log" >&2; cannot_run "$* failed"; }
}
[ "$(id -u)" -ne 0 ] || run apt-get update -q
# unpacked PACKAGE FILE: a file of a package, without installing it (prometheus would start a server).
unpacked() {
	(cd "$scratch" && run apt-get download -q "$1" && dpkg-deb -x "$1"_*.deb "$1")
	cp "$scratch/$1/$2" "$out/"
}
case $missing in *promtool*) unpacked prometheus usr/bin/promtool ;; esac
case $missing in *lua5.1*) run apt-get install -q -y --no-install-recommends lua5.1 ;; esac
case $missing in *buildah*) run apt-get install -q -y --no-install-recommends buildah crun ca-certificates ;; esac
