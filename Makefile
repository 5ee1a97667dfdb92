# The targets a person types; each sets up what it needs.  `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Tests start the program hundreds of times: it is compiled once, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Tests spread over the cores; a debugger wants WORKERS=0.
WORKERS ?= auto

.PHONY: help setup run test coverage test-full peer nova check bench docs screenshots recording lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Wherry needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

# The locks name all there is, with hashes: nothing is resolved, so that a newer release
# elsewhere cannot come in between.  The project itself is installed without looking up.
$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what Wherry runs on (once)"
	$(PIP) install --no-deps --require-hashes -r requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	@echo "installing what tests, checks and docs need (once)"
	$(PIP) install --no-deps --require-hashes -r requirements/dev.lock
	$(PIP) check
	@touch $@

setup: $(VENV)/.dev ## make .venv with all that development needs

# Pages are tested in a real browser; Debian's is one that stands still for a release.
$(VENV)/.browser: $(VENV)/.dev
	@command -v chromium > /dev/null || { \
	    echo "installing Chromium for the tests of pages (once)"; \
	    [ "$$(id -u)" = 0 ] || { echo "needs root, or do it yourself: apt-get install chromium fonts-dejavu-core" >&2; exit 1; }; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core > /dev/null; }
	@touch $@

run: $(VENV)/.run ## the main job: this host and a recorded fleet, targets, a migration (ARGS=--once: stop after the story)
	$(BIN)/wherry demo $(ARGS)

test: $(VENV)/.browser ## what CI runs
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not full" $(ARGS)

# Tracing takes half as long again as what it traces, and no figure of it decides anything.
coverage: $(VENV)/.browser ## the same tests, and which branches they take
	$(MAKE) test ARGS="--cov --cov-report=term:skip-covered $(ARGS)"

test-full: $(VENV)/.browser ## the long counts that closing notes quote
	WHERRY_TEST_PROFILE=full $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

peer: $(VENV)/bin/python ## openstack-placement in .peer, for the tests that compare with it
	$(PYTHON) -m venv .peer
	.peer/bin/python -m pip --disable-pip-version-check --quiet install -r requirements/peer.in

nova: $(VENV)/bin/python ## Nova's scheduler in .nova, for the tests of the plug-ins in it
	$(PYTHON) -m venv .nova
	.nova/bin/python -m pip --disable-pip-version-check --quiet install -r requirements/nova.in

check: $(VENV)/.dev ## formatter, linter, types, import floors, news, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/towncrier build --draft --version next > /dev/null
	$(MAKE) --no-print-directory docs

bench: $(VENV)/.dev ## seeded benchmarks: unit, median, ratio
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.dev ## the documentation site; warnings and links that lead nowhere are errors
	$(BIN)/python docs/check_links.py
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build/html

screenshots: $(VENV)/.browser ## every page of the dashboard, light and dark, in build/screenshots
	$(BIN)/python docs/screenshots.py

recording: $(VENV)/.dev ## draw the terminal of the README anew, from what the commands print
	$(BIN)/python docs/record.py

lock: ## write the lock files anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    pyproject.toml --group build -o requirements/run.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    pyproject.toml --all-extras --group build --group test --group client --group check --group docs -o requirements/dev.lock

clean: ## remove everything that make made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache docs/_build build dist .coverage*
