# Two commands set everything up:  make tutorial   and   make test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WORKERS ?= auto
FOLDER ?= project

.PHONY: tutorial test test-full benchmark lab notebooks format help

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "relionlab needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "No virtual environment could be made. On Debian or Ubuntu: sudo apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

tutorial: $(INSTALLED)  ## simulated movies -> particles -> class averages -> a map -> one page
	$(BIN)/relionlab tutorial

test: $(INSTALLED)  ## the fast suite: every commit, at most 15 minutes on two cores
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-full: $(INSTALLED)  ## everything: the whole course, real data, long parity
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m ''

benchmark: $(INSTALLED)  ## figures beside RELION's, as ratios
	$(BIN)/python -m tests.benchmarks

lab: $(INSTALLED)  ## JupyterLab on a project: make lab FOLDER=my_project
	@mkdir -p $(FOLDER)
	$(BIN)/relionlab lab $(FOLDER)

notebooks: $(INSTALLED)  ## make templates/jobs anew from the declarations of the jobs
	rm -f templates/jobs/*.ipynb
	$(BIN)/relionlab notebooks templates

format: $(INSTALLED)  ## lay the source out as the test suite demands
	$(BIN)/ruff check --fix-only --quiet relionlab tests templates
	$(BIN)/ruff format relionlab tests templates
