#!/bin/sh
# Runs Freehold on the system's Node.js, or where that is missing or older than 22.19 on the one among the project's packages.
here=$(dirname "$(readlink -f "$0")")
version=$(node --version 2>/dev/null)
version=${version#v}
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
if [ "${major:-0}" -gt 22 ] || { [ "${major:-0}" -eq 22 ] && [ "$minor" -ge 19 ]; }; then
	node=node
elif [ -x "$here/../node_modules/.bin/node" ]; then
	node=$here/../node_modules/.bin/node
else
	echo "freehold: Node.js 22.19 or later is needed (found ${version:-none}): https://nodejs.org/en/download" >&2
	exit 1
fi
# exec, so that signals reach the operator itself.
exec "$node" --enable-source-maps "$here/freehold.mjs" "$@"
