#!/bin/sh
# Installs what the browser tests are written with (services/tests/ui/package.json) into .cache/ui and prints that folder.
# Does nothing when it is there already.
set -eu
cd "$(dirname "$0")/../.."
from=services/tests/ui
into=.cache/ui

# The folder gets its name when it is complete, so the same list of versions in it means all is there.
if ! cmp -s "$from/package-lock.json" "$into/package-lock.json"; then
  mkdir -p .cache
  fresh=$(mktemp -d .cache/ui.XXXXXX)
  trap 'rm -rf "$fresh"' EXIT
  cp "$from/package.json" "$from/package-lock.json" "$fresh"
  if ! npm ci --prefix "$fresh" --ignore-scripts --no-audit --no-fund --loglevel=error >"$fresh/npm.log" 2>&1; then
    cat "$fresh/npm.log" >&2
    echo "npm could not install the browser tests' packages (its last words are above)." >&2
    exit 1
  fi
  rm -rf "$into"
  mv "$fresh" "$into"
fi
echo "$PWD/$into"
