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
# What a large list took goes back to the system at once, instead of staying with the allocator (glibc; others ignore it).
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-131072}"
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-131072}"
# Compiled code is kept beside the bundle, where only who may write the bundle may write: it is believed. Where it cannot be
# written, nothing is kept.
export NODE_COMPILE_CACHE="$here/compile-cache"
# A small young generation, and an old one that grows slowly: see docs/performance.md. Source maps are beside the bundle; NODE_OPTIONS=--enable-source-maps reads
# them, for some 80 MB more.
# exec, so that signals reach the operator itself.
exec "$node" --max-semi-space-size=2 --heap-growing-percent=50 "$here/freehold.mjs" "$@"
