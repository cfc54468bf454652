#!/bin/sh
# Formatting, vet, staticcheck, the rules of the .proto files, and that what is generated is what is committed.
set -eu
cd "$(dirname "$0")/.."
bad=$(git ls-files -co --exclude-standard '*.go' | grep -v -E '\.pb(\.gw)?\.go$|_templ\.go$' | xargs gofmt -l)
[ -z "$bad" ] || { echo "not formatted (gofmt -w them):"; echo "$bad"; exit 1; }
go vet work
for m in api pkg services; do (cd "$m" && GOWORK=off go build ./...); done
sh scripts/tools.sh
.bin/staticcheck ./pkg/... ./services/...
(cd api && ../.bin/buf lint)
# What was released must not break; before the first release, what is on main upstream.
base=$(git describe --tags --abbrev=0 --match 'api/v*' 2>/dev/null || git rev-parse --verify --quiet origin/main || true)
if [ -n "$base" ] && git ls-tree -r --name-only "$base" api/proto | grep -q .; then
  (cd api && ../.bin/buf breaking --against "../.git#ref=$(git rev-parse "$base"),subdir=api")
fi
sh scripts/generate.sh
git diff --exit-code --stat -- api/gen || { echo "generated code differs from what is committed: run make generate and commit"; exit 1; }
