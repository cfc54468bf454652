#!/bin/sh
# Makes services/gateway/openapi.json, which the gateway serves, from api/proto.
set -eu
cd "$(dirname "$0")/.."
for tool in buf protoc-gen-openapiv3 openapiv3-merge; do
  [ -x ".bin/$tool" ] || { sh scripts/tools.sh; break; }
done
rm -rf .cache/openapi && mkdir -p .cache/openapi
(cd api && PATH="$PWD/../.bin:$PATH" && buf generate --template buf.openapi.yaml && buf build -o ../.cache/openapi/image.binpb)
.bin/openapiv3-merge $(find .cache/openapi -name '*.openapi.json' ! -path '*/platform/*' | sort) > .cache/openapi/merged.json
go run ./services/cmd/openapi .cache/openapi/merged.json .cache/openapi/image.binpb > .cache/openapi/openapi.json
mv .cache/openapi/openapi.json services/gateway/openapi.json
