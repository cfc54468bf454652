#!/bin/sh
# Installs what the browser tests are written with (services/tests/ui/package.json) into .cache/ui and prints that folder.
# Does nothing when it is there already. The program "node" in that folder is the one to run the tests with.
set -eu
cd "$(dirname "$0")/../.."
from=services/tests/ui
into=.cache/ui

# The folder gets its name when it is complete, so the same list of versions in it means all is there.
if ! cmp -s "$from/package-lock.json" "$into/package-lock.json" || ! [ -x "$into/node" ]; then
  mkdir -p .cache
  fresh=$(mktemp -d .cache/ui.XXXXXX)
  trap 'rm -rf "$fresh"' EXIT
  chmod 755 "$fresh"
  cp "$from/package.json" "$from/package-lock.json" "$fresh"
  # Playwright wants Node 20, which Debian 12 has not: there the optional packages bring one.
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  if [ "$major" -ge 20 ]; then omit=optional; else omit=dev; fi
  if ! npm ci --prefix "$fresh" --omit=$omit --ignore-scripts --no-audit --no-fund --loglevel=error >"$fresh/npm.log" 2>&1; then
    cat "$fresh/npm.log" >&2
    echo "npm could not install the browser tests' packages (its last words are above)." >&2
    exit 1
  fi
  if [ "$omit" = optional ]; then
    ln -s "$(command -v node)" "$fresh/node"
  else
    for node in "$fresh"/node_modules/node-linux-*/bin/node; do
      ln -s "${node#"$fresh"/}" "$fresh/node"
    done
  fi
  if ! "$fresh/node" --version >/dev/null; then
    echo "The browser tests need Node.js 20 or newer; this system's is $(node --version), and npm has none for it." >&2
    exit 1
  fi
  rm -rf "$into"
  mv "$fresh" "$into"
fi
echo "$PWD/$into"
