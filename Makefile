# Needs Python 3.11 or newer and make. Everything else goes into .venv, as the lock files say.

PYTHON ?= python3
SEEDS ?= 500
KILLS ?= 100
SECONDS ?= 60
JOBS ?= auto

VENV := .venv
ifeq ($(OS),Windows_NT)
    BIN := $(VENV)/Scripts
else
    BIN := $(VENV)/bin
endif
# Whoever is done takes over from the others: tests take from a millisecond to a minute, the long ones side by side.
SHARED := -n $(JOBS) --dist worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# With their extras: where a lock file leaves them out, older releases of pip refuse what came out since.
LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
    --generate-hashes --no-strip-extras --custom-compile-command "make lock"

# Stamps: what stands here was installed from lock files that did not change since.
PROGRAM := $(VENV)/.program
TOOLS := $(VENV)/.tools
MUTATOR := $(VENV)/.mutator
BENCH := .venv-bench
FUZZER := $(VENV)/.fuzzer

.PHONY: help install demo test coverage mutate lint format docs simulate torture fuzz bench bi audit lock clean
.DEFAULT_GOAL := help

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

install: $(TOOLS)  ## the program and the tools to work on it, in .venv

demo: $(PROGRAM)  ## sync a made-up source into SQLite and show the report; no key needed
	@$(BIN)/magpipe-etl demo

test: $(TOOLS)  ## all tests, on SQLite and on PostgreSQL
	@$(BIN)/python -m pytest $(SHARED)

coverage: $(TOOLS)  ## all tests, and which lines and branches they miss; 98 % have to be met
	@$(BIN)/python -m pytest $(SHARED) --cov --cov-report=term --cov-fail-under=98

mutate: $(MUTATOR)  ## plan, walk and transform made wrong in one place after the other: do their tests see it?
	@$(BIN)/mutmut run $(if $(filter auto,$(JOBS)),,--max-children $(JOBS))
	@$(BIN)/python tests/mutation/verdict.py

lint: $(TOOLS)  ## style, types and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(TOOLS)  ## put the code into its form
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

docs: $(TOOLS)  ## what follows from the program: commands, settings and tables in the documents, sources in bi
	@$(BIN)/python docs/generate.py
	@$(BIN)/python bi/generate.py

simulate: $(TOOLS)  ## SEEDS=n random sources, each with its faults, synced to the end
	@$(BIN)/python -m pytest $(SHARED) tests/simulation --seeds $(SEEDS)

torture: $(TOOLS)  ## KILLS=n deaths of the program on each database, and of the database
	@KILLS=$(KILLS) $(BIN)/python -m pytest $(SHARED) tests/torture

fuzz: $(FUZZER)  ## SECONDS=n of bytes made up to break the parser; where there is a wheel of atheris
	@PYTHONPATH=tests $(BIN)/python tests/fuzz/fuzz_parser.py -max_total_time=$(SECONDS)

bench: $(TOOLS) $(BENCH)/.program  ## how fast and how small; off in `make test`
	@BENCH_PYTHON=$(BENCH)/bin/python $(BIN)/python -m pytest tests/benchmarks -s

bi: $(TOOLS)  ## dbt, Datasette and Superset put to use, each in an environment of its own; off in `make test`
	@$(BIN)/python -m pytest tests/ecosystem

audit: $(TOOLS)  ## the locked packages held against known vulnerabilities, which PyPI is asked for
	@$(BIN)/uv tool run --no-config pip-audit --require-hashes --disable-pip -r requirements/program.txt

lock: $(TOOLS)  ## the lock files anew after a change of pyproject.toml; LOCK_FLAGS=--upgrade for newer releases
	@$(LOCK) $(LOCK_FLAGS) pyproject.toml --extra postgres -o requirements/program.txt
	@$(LOCK) $(LOCK_FLAGS) --group build -c requirements/program.txt -o requirements/build.txt
	@$(LOCK) $(LOCK_FLAGS) pyproject.toml --extra postgres --extra parquet --group dev \
	    -c requirements/program.txt -c requirements/build.txt -o requirements/dev.txt
	@$(LOCK) $(LOCK_FLAGS) --group mutate -c requirements/dev.txt -o requirements/mutate.txt
	@$(LOCK) $(LOCK_FLAGS) --group fuzz -o requirements/fuzz.txt
	@for tool in dbt datasette superset; do \
	    $(LOCK) $(LOCK_FLAGS) bi/$$tool/requirements.in -o bi/$$tool/requirements.txt || exit 1; done

clean:  ## remove all that make made
	rm -rf $(VENV) $(BENCH) .venv-bi .fuzz mutants build dist htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find etl migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON) here; install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "$(PYTHON) is Python %d.%d; 3.11 or newer is needed: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(PROGRAM): $(VENV)/pyvenv.cfg requirements/program.txt requirements/build.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/program.txt -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS): $(PROGRAM) requirements/dev.txt
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# As users have it, without the tools.
$(BENCH)/.program: requirements/program.txt requirements/build.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip --quiet install --require-hashes -r requirements/program.txt -r requirements/build.txt
	$(BENCH)/bin/python -m pip --quiet install --no-deps --no-build-isolation --editable .
	@touch $@

$(MUTATOR): $(TOOLS) requirements/mutate.txt
	$(PIP) install --require-hashes -r requirements/mutate.txt
	@touch $@

$(FUZZER): $(TOOLS) requirements/fuzz.txt
	$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@
