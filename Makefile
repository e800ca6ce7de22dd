# Every check of the project, by name. Needs make and a Python from 3.11 on, and nothing else: each
# target first puts what it needs into $(VENV), once.
#
#   make test PYTHON=python3.14 VENV=.venv-3.14      runs a target on another interpreter
#   make test ARGS='tests/plan -k zip'               hands arguments to pytest

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := $(BIN)/python -m

.PHONY: help demo test test-free-threaded test-clusters test-on-clusters lint format types docs bench soak changelog build venv clean

help:
	@echo "make demo                 the standard library, counted by one plan and by a loop"
	@echo "make test                 the test suite"
	@echo "make test-free-threaded   the test suite on a free-threaded Python, built if there is none"
	@echo "make test-clusters        the tests of DaskPool and RayPool, on clusters of this machine"
	@echo "make lint                 ruff and import-linter"
	@echo "make format               let ruff rewrite the code"
	@echo "make types                mypy and pyright"
	@echo "make docs                 the documentation, into docs/_build/html"
	@echo "make bench                the benchmarks"
	@echo "make soak                 thousands of runs, and that nothing is left of them"
	@echo "make changelog            what the next release's notes would say"
	@echo "make build                wheel and sdist, into dist"
	@echo "make venv                 everything for developing"
	@echo "make clean                remove all that the other targets made"

# -- Setting up ---------------------------------------------------------------
# One stamp for each dependency group that was installed; a change of pyproject.toml renews them.

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.project: pyproject.toml | $(BIN)/python
	$(RUN) pip install --quiet --upgrade 'pip>=25.1'
	$(RUN) pip install --quiet --editable .
	@touch $@

$(VENV)/.group-%: $(VENV)/.project
	$(RUN) pip install --quiet --group $*
	@touch $@

venv: $(VENV)/.group-dev

# -- The main job -------------------------------------------------------------

demo: $(VENV)/.project
	$(BIN)/python examples/stdlib_census.py $(ARGS)

# -- Checks -------------------------------------------------------------------

test: $(VENV)/.group-test
	$(RUN) pytest $(ARGS)

test-free-threaded:
	$(MAKE) test PYTHON="$$(scripts/free-threaded-python)" VENV=.venv-free-threaded

test-clusters:
	$(MAKE) test-on-clusters VENV=.venv-clusters

test-on-clusters: $(VENV)/.group-clusters
	$(RUN) pytest tests/clusters "tests/test_docs.py::test_every_docstring_example_runs[pariter.clusters]" $(ARGS)

lint: $(VENV)/.group-lint
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.group-lint
	$(RUN) ruff check --fix
	$(RUN) ruff format

types: $(VENV)/.group-types
	$(RUN) mypy
	$(RUN) pyright

docs: $(VENV)/.group-docs
	$(RUN) sphinx --quiet --fail-on-warning --keep-going -b html docs docs/_build/html

bench: $(VENV)/.group-bench $(VENV)/.group-plot
	$(MAKE) .venv-free-threaded/.group-bench PYTHON="$$(scripts/free-threaded-python)" VENV=.venv-free-threaded
	$(BIN)/python benchmarks/report.py --python $(BIN)/python --python .venv-free-threaded/bin/python $(ARGS)

soak: $(VENV)/.project
	$(BIN)/python benchmarks/soak.py $(ARGS)

# -- Releases -----------------------------------------------------------------

changelog: $(VENV)/.group-dev
	$(RUN) towncrier build --draft

build: $(VENV)/.group-test
	$(RUN) build

clean:
	rm -rf .venv .venv-* build dist docs/_build \
		.hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
