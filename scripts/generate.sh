#!/bin/sh
# Makes api/gen from api/proto. With arguments (proto folders below api/proto) only those. One run at a time.
set -eu
cd "$(dirname "$0")/.."
for tool in buf protoc-gen-go protoc-gen-go-grpc protoc-gen-grpc-gateway; do
  [ -x ".bin/$tool" ] || { sh scripts/tools.sh; break; }
done
cd api
exec 9>/tmp/evenkeel-generate.lock
flock 9
paths=""
for p in "$@"; do paths="$paths --path proto/evenkeel/$p"; done
PATH="$PWD/../.bin:$PATH" buf lint $paths
PATH="$PWD/../.bin:$PATH" buf generate $paths
