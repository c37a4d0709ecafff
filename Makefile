PYTHON ?= python3
BIN := .venv/bin

.PHONY: quickstart test
quickstart: .venv/installed
	$(BIN)/fairtune run quickstart
	$(BIN)/fairtune run quickstart-optimizers
	@echo "open the runs in a browser: $(BIN)/fairtune ui"

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
