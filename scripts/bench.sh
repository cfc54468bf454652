#!/bin/sh
# Prints the rates of this machine with the ratio to a reference of the same run: see docs/benchmarks.md. Arguments go to the program, e.g. -claims 500.
set -eu
cd "$(dirname "$0")/.."
exec go run ./services/tests/bench "$@"
