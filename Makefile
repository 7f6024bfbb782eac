# `make demo` shows memproxy at work, `make test` proves it; both set up everything they need in .venv first.
PYTHON ?= python3
BIN := .venv/bin
# Set-up is done again when the dependencies change, and takes a second when they did not.
STAMP := .venv/.ready-$(shell cksum < pyproject.toml | tr -dc '0-9')

.PHONY: help setup demo test bench lint types imports check clean

help:
	@echo 'make demo    set everything up and show memory at work, without any provider key'
	@echo 'make test    set everything up and run all tests'
	@echo 'make setup   the set-up alone: .venv, dependencies, the model'
	@echo 'make check   tests and all gates: lint, types, directions of imports'
	@echo 'make bench   measure (about ten minutes)'
	@echo 'make clean   remove .venv and what tools left behind; the model stays'

setup: $(STAMP)
	@$(BIN)/memproxy model pull

$(STAMP):
	@sh .ci/prerequisites "$(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'installing the dependencies into .venv; the first time takes a minute or two ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,demo]'
	@rm -f .venv/.ready-*
	@touch $@

demo: setup
	@$(BIN)/memproxy demo

test: setup
	@$(BIN)/python -m tests.servers
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist worksteal

bench: setup
	@$(BIN)/python -m bench

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports --no-logo

check: lint types imports test

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
