# Sprechstunde. `make run` and `make test` do all set-up themselves, as root or not; a second run is fast.
PYTHON ?= python3
PORT ?= 8000
V := .venv/bin/
ROOMS := accounts clients notifications scheduling consultations

# Tools read the settings in test mode; `make run` sets its own.
export SPRECHSTUNDE_MODE ?= test

# Compiled once and kept (`__pycache__`), whatever the surroundings say: else every process of the tests
# compiles the project anew, and each of pytest's rewrites all assertions.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run accounts test tests tests-of-good-style lint style types bench promises setup messages lock clean

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*##/\t/'

# Recipes of one simple command each: make starts it without a shell between, and its signals arrive.
run accounts: export SPRECHSTUNDE_MODE = demo
run: export PORT := $(PORT)
run: ## the demo district at http://localhost:8000 (PORT=8123 make run for another port)
	@$(PYTHON) config/bootstrap.py run
	@$(V)python -m config.run

accounts: ## the demo's accounts with their present one-time codes (ARGS=--json: with the secrets)
	@$(V)python manage.py demo_accounts $(ARGS)

setup: ## everything the tests and linters need
	@$(PYTHON) config/bootstrap.py test

test: setup ## linters and all tests, in four processes; the types are checked meanwhile
	@$(MAKE) --no-print-directory --jobs=2 types tests-of-good-style

tests-of-good-style: style
	@$(MAKE) --no-print-directory tests

# The tests call `make` themselves, which is not to think itself a part of this one. Four processes for
# two cores: two of them are always waiting for something. A race has fifty connections, and a server of
# one's own often allows no more than a hundred: there, one process.
tests: setup
	env -u MAKEFLAGS -u MFLAGS $(V)pytest -n $(if $(DATABASE_URL),1,4) --dist worksteal $(ARGS)

lint: style types ## style, types, layers, migrations, templates, deploy check

style: setup
	$(V)ruff check
	$(V)ruff format --check
	$(V)lint-imports --no-cache
	$(V)djade --check --target-version 5.2 $$(find templates -name '*.html')
	$(V)python manage.py check --fail-level WARNING
	$(V)python -m config.embedded_db --cluster test run -- $(V)python manage.py makemigrations --check --dry-run $(ROOMS)

types: setup
	$(V)mypy .

promises: setup ## the tests of each promise with the full number of rounds, and a table of them
	$(V)python -m config.promises

bench: setup ## measure each path against its limit (NAME=booking-http for one)
	$(V)python -m benchmarks.run $(NAME)

messages: setup ## compile the translations in locale/
	$(PYTHON) config/bootstrap.py messages

lock: ## pin all dependencies with hashes (needs uv and npm)
	uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	uv pip compile $(LOCK) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile $(LOCK) --group postgres -o requirements-postgres.lock
	uv pip compile $(LOCK) --group npm -o requirements-npm.lock
	npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

clean: ## stop the embedded databases and delete everything that can be made again, the demo's data too
	@$(PYTHON) config/bootstrap.py clean
