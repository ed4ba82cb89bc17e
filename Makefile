# All that is done with this checkout. `make` alone lists it.
# Needed beforehand: Python 3.11 or newer with venv, git, make. Nothing is installed outside .venv,
# but for what `make test` needs of the system (`tools`).

PYTHON ?= python3
DEMO ?= demo-shop
UPGRADE ?=

BIN := .venv/bin
# Wheels only: building a source archive would fetch build tools that nobody pinned.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PINNED := $(INSTALL) --require-hashes --only-binary :all:
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header

# A file of tests stays in one process: its fixtures are made once.
SIDE_BY_SIDE := --numprocesses=logical --maxprocesses=4 --dist=loadfile
# What is run on PostgreSQL once more, and what of it.
CONTRACT := journal vault collect leave deliver
ON_BOTH := not long and not files and not postgresql

STATIC := src/reciprocity/static
SMALL := npx --yes terser@5.51.4 --module --compress passes=3,ecma=2020 --mangle

.DEFAULT_GOAL := help
.PHONY: help venv demo tools test test-long check bench docs words readings sdk lock clean
.DELETE_ON_ERROR:

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \t\2/p' Makefile | expand -t 18

venv: .venv/.dev ## everything a developer needs, in .venv

demo: .venv/.run ## make a demo shop, send a campaign, audit it, verify a receipt
	$(BIN)/reciprocity demo $(DEMO)

test: .venv/.dev tools ## all tests but the long ones; what CI runs
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not long"
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "$(ON_BOTH)" --database postgresql $(addprefix tests/,$(CONTRACT))

test-long: .venv/.spark tools ## soak and kill runs, and Spark (needs Java 17)
	$(BIN)/pytest -m long --hypothesis-profile=search
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "$(ON_BOTH)" --database postgresql $(addprefix tests/,http prove listen story)
	$(BIN)/pytest -m "long and not files" --database postgresql tests/journal tests/deliver tests/story

check: .venv/.dev ## style, format, types, architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check --output-format concise
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: .venv/.bench ## measure, and write benchmarks/results.md
	$(BIN)/python -m benchmarks

docs: .venv/.dev ## build the documentation into site/ (tests/docs runs what it shows)
	$(BIN)/python docs/build.py site

words: .venv/.dev ## bring the pages' catalogs up to what the pages say
	$(BIN)/python -m tests.http.catalogs

readings: .venv/.dev tools ## write anew how a journey is read aloud (tests/browser/readings); then review it
	READINGS=write $(BIN)/pytest --quiet tests/browser/test_journeys.py

sdk: ## make the modules for other sites small, in static/sdk (needs Node's npx)
	cd $(STATIC) && mkdir -p sdk && for name in reciprocity reciprocity-prompt reciprocity-slot; do \
	  $(SMALL) -o sdk/$$name.js $$name.js || exit 1; \
	done && sha256sum reciprocity*.js > sdk/SOURCES

lock: .venv/.dev ## pin requirements/*.in anew (UPGRADE=--upgrade takes newer releases)
	$(COMPILE) $(UPGRADE) requirements/build.in -o requirements/build.txt
	$(COMPILE) $(UPGRADE) requirements/run.in -o requirements/run.txt
	$(COMPILE) $(UPGRADE) requirements/dev.in -c requirements/run.txt -c requirements/build.txt -o requirements/dev.txt
	$(COMPILE) $(UPGRADE) requirements/spark.in -c requirements/dev.txt -o requirements/spark.txt
	$(COMPILE) $(UPGRADE) requirements/bench.in -c requirements/dev.txt -o requirements/bench.txt

clean: ## remove .venv and all that was made here
	rm -rf .venv $(DEMO) site build dist src/*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- what tests use besides Python ---------------------------------------------------------------

# A browser, and OpenSSL as somebody else's hand. Never skipped: a test without them fails.
tools:
	@set -e; missing=""; \
	command -v openssl >/dev/null || missing="$$missing openssl"; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing$$missing for the tests" >&2; \
	  apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	elif [ "$$missing" = " chromium" ]; then \
	  $(BIN)/playwright install chromium; \
	else \
	  echo "Needed for the tests:$$missing. On Debian or Ubuntu: sudo apt-get install$$missing" >&2; exit 1; \
	fi

# --- how .venv comes about -----------------------------------------------------------------------

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed and $(PYTHON) is not. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "venv is missing: installing python3-venv" >&2; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv && $(PYTHON) -m venv .venv; \
	  else \
	    echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; \
	  fi; } || { rm -rf .venv; exit 1; }

.venv/.run: requirements/build.txt requirements/run.txt pyproject.toml | .venv/bin/python
	$(PINNED) -r requirements/build.txt -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/build.txt requirements/dev.txt pyproject.toml | .venv/bin/python
	$(PINNED) -r requirements/dev.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/.run

# pyspark comes as source only; it is built by the build tools that are pinned here.
.venv/.spark: .venv/.dev requirements/spark.txt
	$(INSTALL) --require-hashes --no-build-isolation -r requirements/spark.txt
	@touch $@

.venv/.bench: .venv/.spark requirements/bench.txt
	$(PINNED) -r requirements/bench.txt
	@touch $@
