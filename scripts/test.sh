#!/bin/sh
# The test command of the README. Installs or fetches what the tests need, then runs everything, heavy parts one after the other.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup/packages.sh
sh scripts/tools.sh
sh scripts/kafka/kafka.sh jars
sh scripts/setup/ui.sh >/dev/null
sh scripts/lint.sh
export EVENKEEL_KAFKA=real
go test -timeout 20m work
