# Every target works from nothing: it needs make, and any python3 (or uv). No root, no services.
SHELL := /bin/sh
PYTHON := .venv/bin/python
# A working uv of this machine, else one of our own, which is installed only when there is something to install
UV := $(shell if uv --version >/dev/null 2>&1; then echo uv; else echo .uv/bin/uv; fi)
# The Python below .venv may be gone since: then it is made anew
GONE := $(shell test -x $(PYTHON) || echo gone)

.PHONY: help install run demo test check bench format requirements uv gone

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

install: .venv/installed  ## only the environment (.venv)

uv: $(filter .uv/bin/uv,$(UV))
	@:

.uv/bin/uv:
	@echo "uv is not here: installing it into .uv"
	@{ python3 -m venv .uv && .uv/bin/python -m pip install --quiet uv; } >/dev/null 2>&1 \
		|| { rm -rf .uv; python3 -m pip install --quiet --target .uv uv; } \
		|| { rm -rf .uv; echo "needed: uv, or a python3 (3.8 or newer) with venv or pip, and a way to PyPI" >&2; exit 1; }

.venv/installed: requirements.txt .python-version $(GONE)
	@$(MAKE) --no-print-directory uv
	@test -x $(PYTHON) || { rm -rf .venv; $(UV) venv --quiet 2>/dev/null || $(UV) venv --quiet --python '>=3.12'; }
	@$(UV) pip sync --quiet --python .venv --require-hashes requirements.txt
	@touch $@

run: .venv/installed  ## everything from nothing: servers, web, workers; Ctrl-C stops all of it
	@exec $(PYTHON) manage.py up

demo: .venv/installed  ## the same with simulated providers and a stream of alerts, in a data directory of its own
	@RECONSOC_DATA_DIR="$${RECONSOC_DATA_DIR:-./var/demo}" exec $(PYTHON) manage.py up --demo

test: .venv/installed  ## all tests: unit, integration on real servers, browser where a Chromium is found
	@$(PYTHON) -m pytest $(PYTEST_ARGS)

check: .venv/installed  ## formatter, linter, types, layers, migrations, templates, deploy checks
	@sh .ci/check

bench: .venv/installed  ## the benchmark suite: ratios of both sides in one run
	@$(PYTHON) manage.py bench $(BENCH_ARGS)

format: .venv/installed  ## let the formatter and the linter mend what they can
	@.venv/bin/ruff check --quiet --fix . && .venv/bin/ruff format --quiet .

requirements: .venv/installed uv  ## resolve requirements.txt anew from pyproject.toml
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header pyproject.toml -o requirements.txt
