#!/bin/sh
# Checks what this machine must have before anything starts, and says how to get what is missing.
#   hack/preflight.sh deps    Node.js and npm, to install the project's packages
#   hack/preflight.sh node    a Node.js that runs the project (after the packages are installed)
#   hack/preflight.sh test    Go, to build the API server of the tests
set -eu
cd "$(dirname "$0")/.."

missing() {
	echo "missing: $1" >&2
	echo "  how to get it: $2" >&2
	exit 1
}

# node_is_new_enough PROGRAM: 22.19 or later, and able to run at all.
node_is_new_enough() {
	version=$("$1" --version 2>/dev/null) || return 1
	version=${version#v}
	major=${version%%.*}
	minor=${version#*.}
	minor=${minor%%.*}
	[ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 19 ]; }
}

get_node='https://nodejs.org/en/download (it brings npm), or your package manager, e.g. apt-get install nodejs npm'

case ${1:-} in
deps)
	command -v node >/dev/null || missing 'node, the Node.js program' "$get_node"
	command -v npm >/dev/null || missing 'npm, the package manager of Node.js' "$get_node"
	if [ "$(uname -sm)" != 'Linux x86_64' ] && ! node_is_new_enough node; then
		missing "Node.js 22.19 or later (found $(node --version); only for Linux on x86-64 the packages bring their own)" "$get_node"
	fi
	;;
node)
	# The packages bring a Node.js for Linux on x86-64. It is linked with glibc 2.28 and does not start elsewhere.
	if [ -e node_modules/.bin/node ] && ! node_modules/.bin/node --version >/dev/null 2>&1; then
		rm -f node_modules/.bin/node
	fi
	node_is_new_enough node_modules/.bin/node || node_is_new_enough node ||
		missing "Node.js 22.19 or later (found $(node --version); the one among the packages needs glibc 2.28 or later)" "$get_node"
	;;
test)
	command -v go >/dev/null ||
		missing "go $(awk '$1 == "go" { print $2 }' test/controlplane/go.mod) or later, which builds the API server of the tests" \
			'https://go.dev/dl/'
	;;
*)
	echo "usage: $0 deps|node|test" >&2
	exit 2
	;;
esac
