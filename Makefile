# `make up` runs the pipeline, `make test` its tests; both make the environment first. Needs Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: up test lint types check clean

up: $(VENV)/ready
	@$(BIN)/contrib-pipeline up $(ARGS) || [ $$? -eq 130 ] # 130: Ctrl-C

test: $(VENV)/ready-dev
	$(BIN)/pytest $(ARGS)

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready-dev
	$(BIN)/mypy

check: test lint types

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 …' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# pip compiles what it installs, but not an editable package: without bytecode every process starts 1.5 s later.
COMPILE = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q contrib_pipeline

$(VENV)/ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	$(COMPILE)
	@touch $@

$(VENV)/ready-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(COMPILE)
	@touch $@ $(VENV)/ready
