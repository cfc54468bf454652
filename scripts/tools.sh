#!/bin/sh
# Builds the pinned tools into .bin, unless they are there as scripts/tools has them.
set -eu
cd "$(dirname "$0")/.."
want=$(find scripts/tools -type f | sort | xargs cat | cksum)
[ "$(cat .bin/stamp 2>/dev/null || true)" = "$want" ] && exit 0
for m in gen buf helm; do GOWORK=off GOBIN="$PWD/.bin" go -C "scripts/tools/$m" install tool; done
echo "$want" > .bin/stamp
