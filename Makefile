# Two commands matter: `make demo` and `make test`. Both need nothing but Python >= 3.11 and make.
PYTHON ?= python3
PEOPLE ?= 20000
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   := $(CURDIR)/.demo

.PHONY: demo demo-stop demo-reset test setup lint bench screens lock clean

demo: setup          ## build a city like Daqing, play one night, leave the server running
	@HUB_DATA_DIR="$(DEMO)" $(BIN)/volunteer-hub demo --people $(PEOPLE)

demo-stop: setup     ## stop the demo's server and its database
	@HUB_DATA_DIR="$(DEMO)" $(BIN)/volunteer-hub demo --stop

demo-reset: demo-stop  ## forget the demo's city
	@rm -rf "$(DEMO)"

test: setup          ## the whole test command, with the coverage it must hold
	@scripts/test

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what requirements.lock lists (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

lint: setup          ## lint, types, import laws
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: setup         ## the quick benchmarks, side by side with their peers
	@scripts/bench

screens: setup       ## pictures of the pages, both languages, phone and laptop
	@$(BIN)/python scripts/screens.py && $(BIN)/python scripts/screens_rest.py

lock:                ## renew requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.lock

clean:
	@rm -rf $(VENV) dist build .coverage* htmlcov
