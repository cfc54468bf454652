#!/bin/sh
# Makes api/gen from api/proto. With arguments (proto folders below api/proto) only those. One run at a time.
set -eu
cd "$(dirname "$0")/.."
sh scripts/tools.sh
cd api
exec 9>/tmp/evenkeel-generate.lock
flock 9
paths=""
for p in "$@"; do paths="$paths --path proto/evenkeel/$p"; done
PATH="$PWD/../.bin:$PATH" buf lint $paths
PATH="$PWD/../.bin:$PATH" buf generate $paths
