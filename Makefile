# The few verbs of this project. Each does its own set-up and can be run again quickly.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo $(VENV)-uv/bin/uv)

.PHONY: help setup up demo test test-nightly check format bench docs lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/homeostat: pyproject.toml $(wildcard requirements/*.txt)
	@command -v uv >/dev/null 2>&1 || test -x $(VENV)-uv/bin/uv || (python3 -m venv $(VENV)-uv && $(VENV)-uv/bin/pip install -q uv)
	@test -x $(BIN)/python || $(UV) venv -q --python 3.11 $(VENV) || $(UV) venv -q $(VENV)
	$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $(BIN)/homeostat

setup: $(BIN)/homeostat  ## environment and dependencies
