#!/bin/sh
# Builds the pinned generators into .bin.
set -eu
cd "$(dirname "$0")/.."
for m in gen buf helm; do GOWORK=off GOBIN="$PWD/.bin" go -C "scripts/tools/$m" install tool; done
