# make demo   train, translate, score and draw on the built-in phrasebook
# make test   the whole suite            make test-full   with the slow and real-data tests too
# make check  format, lint, types, import map
# make bench  training speed beside other tools (wants LATIMER_DATA; see bench/README.md)
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-full check format bench clean

demo: $(VENV)/installed
	$(BIN)/latimer demo

test: $(VENV)/installed
	$(BIN)/pytest -q -n 2

test-full: $(VENV)/installed
	$(BIN)/pytest -q -m "full or not full"

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_house.py

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed
	$(BIN)/python -m bench.environments
	$(BIN)/python -m bench.training

# Torch first and pinned: its CPU build serves, and nothing after it may replace it.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all]" --group dev
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build ./*.egg-info
