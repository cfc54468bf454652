#!/bin/sh
# Makes services/gateway/openapi.json, which the gateway serves, from api/proto.
set -eu
cd "$(dirname "$0")/.."
rm -rf .cache/openapi && mkdir -p .cache/openapi
(cd api && PATH="$PWD/../.bin:$PATH" buf generate --template buf.openapi.yaml)
.bin/openapiv3-merge $(find .cache/openapi -name '*.openapi.json' ! -path '*/platform/*' | sort) > .cache/openapi/merged.json
go run ./services/cmd/openapi .cache/openapi/merged.json > services/gateway/openapi.json.new
mv services/gateway/openapi.json.new services/gateway/openapi.json
