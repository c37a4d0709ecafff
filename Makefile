PYTHON ?= python3
BIN := .venv/bin
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n)

.PHONY: quickstart test chromium
quickstart: .venv/installed
	$(BIN)/fairtune run quickstart
	$(BIN)/fairtune run quickstart-optimizers
	@echo "explore them in a browser: $(BIN)/fairtune dashboard"
	@echo "browse every run: $(BIN)/fairtune ui"

test: .venv/installed chromium
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses 2 --dist worksteal

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

chromium:
	@command -v chromium >/dev/null \
	|| { echo "installing Chromium for the browser tests" \
	&& $(ROOT) apt-get update -qq && $(ROOT) apt-get install -qq -y chromium >/dev/null; } \
	|| echo "no Chromium could be installed: the browser tests will be skipped"
