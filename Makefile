# Each target is one line that works by hand too.
SHELL := /bin/sh
BIN := .bin
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)

.DEFAULT_GOAL := help
.PHONY: help build run reset test test-fast lint generate tidy sim mutants fuzz bench ui-test e2e kafka chart kube setup clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

build: ## build bin/evenkeel
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/evenkeel ./services/cmd/evenkeel

run: build ## start the whole platform on parts of its own; the first start fills it with a demo group
	./bin/evenkeel run

reset: build ## empty the data folder of make run
	./bin/evenkeel reset

setup: ## install what the tests need (as root by apt; else one sentence says what is missing)
	sh scripts/setup/packages.sh

test: ## everything that proves the promises; installs or fetches what it needs itself
	sh scripts/test.sh

test-fast: ## unit, property and golden tests only
	go test -short work

lint: ## gofmt, vet, staticcheck, buf lint and breaking, generated = committed
	sh scripts/lint.sh

generate: ## make generated code from api/proto and the pages
	sh scripts/generate.sh && sh scripts/openapi.sh

tidy: ## tidy the three modules
	for m in api pkg services; do (cd $$m && GOWORK=off go mod tidy) || exit 1; done

sim: ## run the simulation: make sim SEED=7, or SEEDS=1000
	go test ./services/tests/sim -run TestSimulation -count=1 -v -timeout 60m $(if $(SEED),-seed=$(SEED)) $(if $(SEEDS),-seeds=$(SEEDS))

mutants: ## break the runtime line by line: each fault must turn a named test red
	go test ./services/tests/mutants -count=1 -v -timeout 30m -plant $(if $(ONLY),-only="$(ONLY)")

fuzz: ## fuzz everything that reads bytes, 30 s each
	sh scripts/fuzz.sh

bench: ## print the rates with their ratio to a reference of the same run
	sh scripts/bench.sh

e2e: ## the whole cycle on a real Apache Kafka, each service its own process, with kills
	EVENKEEL_KAFKA=real go test ./services/tests/e2e -count=1 -v -timeout 30m

ui-test: ## browser tests of the console
	go test ./services/tests/ui -count=1 -v -timeout 15m

kafka: ## start a real Apache Kafka on loopback
	sh scripts/kafka/kafka.sh start .cache/kafka/node

chart: ## check the Helm chart
	go test ./services/tests/chart -count=1 -v

kube: ## have a real Kubernetes API server judge the rendered chart (builds one; no cluster is needed)
	sh scripts/tools.sh && sh scripts/kube/kube.sh && EVENKEEL_KUBE=real go test ./services/tests/chart -run TestARealAPIServer -count=1 -v

clean: ## remove what builds leave
	rm -rf bin .cache/test
