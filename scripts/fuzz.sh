#!/bin/sh
# Fuzzes every target for a while (FUZZTIME, default 30s), one after the other.
set -eu
cd "$(dirname "$0")/.."
grep -rlE '^func Fuzz' --include='*_test.go' pkg services | sort | while read -r file; do
  folder=$(dirname "$file")
  grep -ohE '^func Fuzz[A-Za-z0-9_]+' "$file" | sed 's/func //' | while read -r target; do
    echo "== $folder $target"
    go test "./$folder" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}"
  done
done
