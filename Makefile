# make demo   see it work: installs what is missing, then runs the main job against a real Prometheus
# make test   everything: lint, types, import contracts, unit, integration, acceptance, browser

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types contracts unit browser screenshots bench format lock clean

demo: $(VENV)/.runtime
	@scripts/install-system-packages prometheus
	@$(BIN)/python -m incidentd demo $(ARGS)

test: $(VENV)/.dev
	@scripts/install-system-packages prometheus chromium
	@$(MAKE) --no-print-directory lint types contracts unit browser

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/deptry incidentd
	$(BIN)/hadolint Dockerfile

types:
	$(BIN)/mypy

contracts:
	$(BIN)/lint-imports

unit:
	$(BIN)/pytest -m "not browser" --cov --cov-report=term:skip-covered

# Its own run: the browser's event loop and the other tests do not share a process.
browser:
	$(BIN)/pytest -m browser

# The pictures of the documentation.
screenshots: $(VENV)/.dev
	INCIDENTD_SCREENSHOTS=docs/screenshots $(BIN)/pytest -q tests/acceptance/test_in_the_browser.py

# What it costs, beside Prometheus' own rule manager: writes docs/performance.md. ARGS=--quick only shows that it works.
bench: $(VENV)/.dev
	@scripts/install-system-packages prometheus
	@$(BIN)/python -m bench $(ARGS)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Versions and hashes only, for every platform; needs uv and the network.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		--extra demo --extra postgresql --output-file requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		--extra demo --extra postgresql --group dev --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage public

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "incidentd needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# uv where there is one, else pip; both take just what the lock names (no resolving: a newer release of a package with
# extras stopped pip there), and check the hashes.
$(VENV)/.runtime: requirements.lock | $(VENV)/bin/python
	@echo "installing the Python packages of requirements.lock"
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(BIN)/python --no-deps --require-hashes -r $<; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r $<; fi
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "installing the Python packages of requirements-dev.lock"
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(BIN)/python --no-deps --require-hashes -r $<; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r $<; fi
	@touch $@ $(VENV)/.runtime
