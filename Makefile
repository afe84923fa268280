# Heitu: `make demo` and `make test` need Python 3.11+ and make, nothing else.
.DELETE_ON_ERROR:
.NOTPARALLEL:
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && { echo $$p; break; }; done)
PY := .venv/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --quiet --require-hashes
export MALLOC_ARENA_MAX ?= 2
# tests may not depend on the settings of the shell, but HEITU_TEST_...
TESTING := unset $$(env | sed -n 's/^\(HEITU_[A-Z_]*\)=.*/\1/p' | grep -v ^HEITU_TEST_); exec

.PHONY: help demo test bench test-faults test-faults-long soak test-timescale check lock reset-demo clean
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

demo: .venv/run.stamp node_modules/.stamp ## run the platform with the demonstration province
	@exec $(PY) -m deploy demo

reset-demo: .venv/run.stamp ## remove the demonstration's data
	@$(PY) -m deploy reset

test: .venv/test.stamp node_modules/.stamp ## run the tests
	$(TESTING) $(PY) -m pytest -m "not faults and not bench and not timescale"

test-timescale: .venv/test.stamp tests/timescale/node_modules/.stamp ## the store on real TimescaleDB
	$(TESTING) $(PY) -m pytest --engine timescale -m "not faults and not bench" tests/models/store

test-faults: .venv/test.stamp ## kill, outage and flood runs, about 15 minutes (FAULTS=... picks)
	$(TESTING) $(PY) -m pytest -m faults -s $(if $(FAULTS),-k "$(FAULTS)")

test-faults-long: .venv/test.stamp ## the database away for ten minutes, half an hour in all
	export HEITU_TEST_LONG=1; $(TESTING) $(PY) -m pytest -s tests/faults/test_long_outage.py

soak: .venv/test.stamp ## an hour at 1,000 readings/s (SOAK_MINUTES=...): memory stays flat
	export SOAK_MINUTES=$${SOAK_MINUTES:-60}; $(TESTING) $(PY) -m pytest -s tests/soak

bench: .venv/bench.stamp tests/benchmarks/node/node_modules/.stamp ## measure, and print ratios
	$(TESTING) $(PY) -m pytest -m bench -s --timeout=1800

check: .venv/test.stamp ## the gate without the tests
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m deptry .
	$(PY) -m codespell_lib .

lock: .venv/run.stamp ## pin the requirements anew
	test -x .venv/lock/bin/uv || { $(PY) -m venv .venv/lock && .venv/lock/bin/pip install -q uv; }
	for name in run test bench node; do .venv/lock/bin/uv pip compile -q --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
		requirements/$$name.in -o requirements/$$name.txt || exit 1; done

clean: ## remove everything that was installed or cached, but no data
	rm -rf .venv node_modules tests/timescale/node_modules tests/benchmarks/node/node_modules .mypy_cache .ruff_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Heitu needs Python 3.11 or newer: install it, or say make PYTHON=..."; exit 1; }
	@echo "creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "$(PYTHON) -m venv failed (on Debian: apt install python3-venv)"; exit 1; }

.venv/%.stamp: requirements/%.txt | .venv/bin/python
	@echo "installing requirements/$*.txt (once; a minute or two)"
	@$(PIP) -r $<
	@touch $@

node_modules/.stamp: package-lock.json | .venv/run.stamp
	@echo "installing the browser libraries (once)"
	@$(PY) -m deploy.node .
	@touch $@

tests/%/node_modules/.stamp: tests/%/package-lock.json | .venv/test.stamp
	@$(PY) -m deploy.node tests/$*
	@touch $@
