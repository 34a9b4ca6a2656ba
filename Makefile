# The few verbs of this project. Each does its own set-up and can be run again quickly.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV = $(shell command -v uv 2>/dev/null || echo $(VENV)-uv/bin/uv)
WORKERS ?= 2

# Where this is set, every process compiles everything it imports, at every start: seconds instead of tenths.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup up demo test test-nightly check format bench lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/homeostat: pyproject.toml requirements/dev.txt
	@command -v uv >/dev/null 2>&1 || test -x $(VENV)-uv/bin/uv || (python3 -m venv $(VENV)-uv && $(VENV)-uv/bin/pip install -q uv)
	@test -x $(BIN)/python || $(UV) venv -q $(VENV)
	$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

setup: $(BIN)/homeostat  ## environment and dependencies

up: setup  ## serve at http://127.0.0.1:4400
	$(BIN)/homeostat up

demo: setup  ## the practice world: an application that goes wrong on purpose
	$(BIN)/homeostat demo

test: setup check  ## every test of the commit tier
	$(BIN)/python -m pytest -q -m "not nightly" -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 12

test-nightly: setup  ## long crash, fuzz and simulation runs, fresh seeds
	HOMEOSTAT_TEST_SEEDS=fresh $(BIN)/python -m pytest -q -m nightly --timeout 5400

check: setup  ## format, lint, types, imports, documentation truth
	$(BIN)/ruff format --check -q src tests bench examples
	$(BIN)/ruff check -q src tests bench examples
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup  ## write the format
	$(BIN)/ruff format -q src tests bench examples
	$(BIN)/ruff check -q --fix src tests bench examples

bench: setup  ## measure, against a limit in the same run
	$(BIN)/python -m bench

lock: setup  ## renew requirements/dev.txt from pyproject.toml
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra server --extra postgres --group dev pyproject.toml -o requirements/dev.txt

clean:  ## remove what make made
	rm -rf $(VENV) $(VENV)-uv dist
