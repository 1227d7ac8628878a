#!/bin/sh
# Builds controlplane and kubectl for the tests into $1, or into build/ of this
# repository. Does nothing when they are up to date. See README.md.
set -eu

say() { echo "controlplane: $*"; }
fail() {
	echo "controlplane: $*" >&2
	exit 1
}

cd "$(dirname "$0")"
out=${1:-../../build}
mkdir -p "$out"
out=$(cd "$out" && pwd)
assets=${KUBEBUILDER_ASSETS:-}
if [ -n "$assets" ]; then
	for program in etcd kube-apiserver kubectl; do
		[ -x "$assets/$program" ] || fail "KUBEBUILDER_ASSETS is set, but $assets/$program is no program"
	done
	assets=$(cd "$assets" && pwd)
fi

stamp=$out/.controlplane.stamp
want=$(cksum go.mod go.sum ./*.go ./*/*.go build.sh; echo "assets $assets")
up_to_date() {
	[ -x "$out/controlplane" ] && [ -x "$out/kubectl" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]
}
if up_to_date; then
	say "up to date in $out"
	exit 0
fi

# The go command itself compares its version with the one that go.mod asks for.
needed=$(awk '$1 == "go" { print $2 }' go.mod)
how="Go $needed or later is needed: https://go.dev/dl/"
command -v go >/dev/null || fail "there is no go command. $how"
found=$(go list -m 2>&1) || fail "$found. $how"

# Of two builds at once one waits. Where there is no flock both build, which is
# slow, but right: finished files are renamed into place.
if command -v flock >/dev/null; then
	exec 9>"$out/.controlplane.lock"
	flock -n 9 || {
		say "waiting for another build"
		flock 9
	}
	if up_to_date; then
		say "another build has done it, in $out"
		exit 0
	fi
fi

new=$(mktemp -d "$out/.controlplane.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
export CGO_ENABLED=0 GOWORK=off

if [ -n "$assets" ]; then
	say "building the launcher for the programs in $assets"
	go build -trimpath -buildvcs=false -ldflags "-s -w -X 'main.assets=$assets'" -o "$new/controlplane" ./launcher
	ln -s "$assets/kubectl" "$new/kubectl"
else
	version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' go.mod)
	minor=${version#v1.}
	package=k8s.io/component-base/version
	flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
	kubectl=k8s.io/kubernetes/cmd/kubectl
	say "1/3 fetching Kubernetes $version and etcd, where not done before (some 90 MB)"
	go list -deps . $kubectl >/dev/null
	say "2/3 building controlplane (the first time some minutes, then seconds)"
	go build -trimpath -buildvcs=false -ldflags "$flags" -o "$new/controlplane" .
	say "3/3 building kubectl"
	go build -trimpath -buildvcs=false -ldflags "$flags" -o "$new/kubectl" $kubectl
fi

rm -f "$stamp"
mv -f "$new/controlplane" "$out/controlplane"
mv -f "$new/kubectl" "$out/kubectl"
echo "$want" >"$stamp"
say "done, in $out"
