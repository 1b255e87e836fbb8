.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: help setup run demo migrate test lint lint-types lint-clients lint-style lint-contract check protos baseline descriptors docs bench crash abuse fire soak proof lock

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
DEV := .venv/.ready
RUN := .venv-run/.ready
PROTOC := .venv-protoc/.ready
RUNS ?= 50
REQUESTS ?= 100000
SEED ?= 1
SOAK ?= 3600
FIRE ?= 5000
BASELINE := protos/baseline.binpb
RESOLVE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-package countinghouse-client $(if $(UPGRADE),--upgrade)
INSTALLED := $(shell find domain server clients/python -name '*.py' -o -name '*.typed' 2>/dev/null)

# A virtual environment with exactly the locked packages: $(call venv,FOLDER,LOCK)
define venv
	@$(PYTHON) -c 'import sys; sys.exit("Countinghouse needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(1)
	$(1)/bin/python tools/install.py requirements/$(2)
endef

help: ## Show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(DEV) ## Make .venv with everything that development and tests need

run: $(RUN) ## Install as a user would, then serve on SQLite (DEMO=1 adds demo data)
	.venv-run/bin/countinghouse migrate
	$(if $(DEMO),env -u COUNTINGHOUSE_ADDRESS .venv-run/bin/countinghouse demo)
	exec .venv-run/bin/countinghouse serve

demo: $(RUN) ## Make demo data, extract it, show where every cent went
	.venv-run/bin/countinghouse migrate
	.venv-run/bin/countinghouse demo

migrate: $(RUN) ## Bring the configured database to this version's schema
	.venv-run/bin/countinghouse migrate

test: $(DEV) ## Run the tests, on SQLite and on a PostgreSQL that they start
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

lint: lint-types lint-clients lint-style lint-contract ## Style, types, layers, contract, and generated code up to date

lint-types: $(DEV)
	$(BIN)/mypy

lint-clients: $(DEV)
	$(BIN)/python -m tools.typescript --check
	$(BIN)/python -m tools.go --check

lint-style: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

lint-contract: $(DEV) $(PROTOC)
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code protos
	$(if $(wildcard $(BASELINE)),$(BIN)/buf breaking protos --against $(BASELINE))
	.venv-protoc/bin/python tools/protos.py --check

check: lint ## Everything that must hold before a change lands, the tests apart

protos: $(DEV) $(PROTOC) ## Format the protos and generate their code (TypeScript and Go too, where there is Node or Go)
	$(BIN)/buf format --write protos
	.venv-protoc/bin/python tools/protos.py
	$(BIN)/python -m tools.typescript
	$(BIN)/python -m tools.go

baseline: $(DEV) ## Record the contract as released: later changes must not break it
	$(BIN)/buf build protos --exclude-source-info --output $(BASELINE)

descriptors: $(DEV) ## Write the contract as descriptors, for proxies that turn JSON into gRPC (deploy/envoy)
	$(BIN)/buf build --exclude-source-info --output deploy/envoy/countinghouse.binpb

docs: $(DEV) ## Make the documentation a site, in build/site
	$(BIN)/python -m tools.site build/site

bench: $(DEV) ## Measure against the floor (docs/benchmarks.md)
	$(BIN)/python -m bench $(ARGS)

crash: $(DEV) ## Kill real processes at random, RUNS times (default 50)
	$(BIN)/pytest -m crash --crash-runs $(RUNS) $(ARGS)

abuse: $(DEV) ## Make REQUESTS hostile requests (default 100,000) on each database; SEED=N for others
	$(BIN)/pytest tests/abuse -k hostile -s --abuse-requests $(REQUESTS) --abuse-seed $(SEED) $(ARGS)

fire: $(DEV) ## FIRE accounting operations (default 5,000) on each database, while servers and calls fail
	$(BIN)/pytest tests/accounting/fire -s --fire-operations $(FIRE) $(ARGS)

soak: $(DEV) ## Steady work for SOAK seconds (default an hour) on each database, while workers are killed
	$(BIN)/pytest tests/soak -s --soak-seconds $(SOAK) $(ARGS)

proof: check test crash ## Everything that a release must have passed

lock: $(DEV) ## Resolve the lock files again (UPGRADE=1: to the newest versions)
	$(RESOLVE) pyproject.toml --group build -o requirements/runtime.lock
	$(RESOLVE) pyproject.toml --all-extras --group dev -c requirements/runtime.lock -o requirements/dev.lock
	$(RESOLVE) pyproject.toml --all-extras --group build -c requirements/dev.lock -o requirements/image.lock
	$(RESOLVE) --resolution lowest-direct pyproject.toml -o requirements/oldest.lock
	$(RESOLVE) --group protoc -o requirements/protoc.lock

$(DEV): requirements/dev.lock pyproject.toml clients/python/pyproject.toml
	$(call venv,.venv,dev.lock)
	.venv/bin/pip install -q --no-deps --no-build-isolation -e clients/python -e .
	touch $@

$(RUN): requirements/runtime.lock pyproject.toml clients/python/pyproject.toml $(INSTALLED)
	$(call venv,.venv-run,runtime.lock)
	.venv-run/bin/pip install -q --no-deps --no-build-isolation --force-reinstall ./clients/python .
	touch $@

$(PROTOC): requirements/protoc.lock
	$(call venv,.venv-protoc,protoc.lock)
	touch $@
