# Hedge. `make help` lists the targets. Each one sets up what it needs and may be
# run again at any time.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench lint arm64

# gocv against Debian's small OpenCV packages: see internal/opencvshim/README.md.
export PKG_CONFIG_PATH := $(CURDIR)/internal/opencvshim$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))
export GOFLAGS := $(strip $(shell go env GOFLAGS) -tags=gocv_specific_modules)

# Which benchmarks `make bench` runs, and of which packages.
BENCH ?= .
BENCH_PACKAGES ?= ./...

help: ## list the targets
	@sed -nE 's/^([a-z0-9]+): ## (.*)/  make \1	\2/p' Makefile

setup: ## install packages, ONNX Runtime, network weights and the demo's clip
	@scripts/setup.sh packages runtime weights clip

demo: ## redact a real clip into out/, in two forms, with contact sheets
	@scripts/setup.sh packages runtime weights clip
	@scripts/demo.sh

test: ## run the tests: with the race detector, the long ones without, the pure Go packages without cgo
	@scripts/setup.sh packages runtime weights
	@scripts/test.sh

bench: ## run the Go benchmarks (BENCH=pattern BENCH_PACKAGES=./redact/...)
	@scripts/setup.sh packages runtime weights
	go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m $(BENCH_PACKAGES)

lint: ## gofmt, go vet, golangci-lint, go mod tidy -diff
	@scripts/setup.sh packages
	@scripts/lint.sh

arm64: ## cross-build for ARM64, test under qemu, compare checksums, count instructions
	@scripts/arm64.sh
