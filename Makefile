# Everything a developer does with this project. `make` alone lists the targets.
#
# Nothing is installed outside .venv. Works with GNU Make 4.3 or later, in any folder, also one with spaces in its path
# (every path here is relative), and without a network once .venv is complete.

PYTHON         ?= $(shell command -v python3.11 || echo python3)
PYTEST_WORKERS ?= 2
PYTEST_ARGS    ?=

BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
TYPED  := app.py config.py lambda_handler.py api scripts services utils
LOOSE  := tests bench
LOCK    = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.NOTPARALLEL: # two installations into one environment spoil each other
.PHONY: help venv run test infra-test image-test lint lint-rules lint-format lint-types lint-types-tests format bench services-up services-down lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: .venv/.run-stamp ## start the service on HOST:PORT (settings: environment and .env); Ctrl-C stops it
	@exec $(BIN)/gunicorn -c gunicorn.conf.py 'app:create_app()'

test: .venv/.dev-stamp ## run the tests (PYTEST_ARGS="-k name" to choose, PYTEST_WORKERS=0 for one process)
	@exec $(BIN)/python -m pytest -rs -n $(PYTEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

infra-test: .venv/.dev-stamp ## test Terraform (own tests, checkov, apply to an emulator), permissions and the image
	@exec bash scripts/infra-test $(INFRA_ARGS)

image-test: .venv/.dev-stamp ## test the image alone: its Dockerfile's steps without Docker (root, Linux)
	@exec bash scripts/image-test $(INFRA_ARGS)

lint: lint-rules lint-format lint-types lint-types-tests ## ruff (rules and format) and mypy; make -k lint: all, whatever fails

lint-rules: .venv/.dev-stamp
	$(BIN)/ruff check .

lint-format: .venv/.dev-stamp
	$(BIN)/ruff format --check .

lint-types: .venv/.dev-stamp
	$(BIN)/mypy $(TYPED)

lint-types-tests: .venv/.dev-stamp # less strict, see pyproject.toml
	$(BIN)/mypy $(LOOSE)

format: .venv/.dev-stamp ## let ruff format and repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev-stamp ## measure (see docs/performance.md)
	@exec $(BIN)/python -m bench $(BENCH_ARGS)

services-up: ## start real S3 servers, PostgreSQL and DynamoDB Local on loopback; the first time builds them
	@bash .ci/services up
	@bash .ci/services env

services-down: ## stop what services-up started
	@bash .ci/services down

venv: .venv/.dev-stamp ## make .venv with everything in it

lock: .venv/.dev-stamp ## pin the newest versions that requirements*.in allow
	$(LOCK) --upgrade --output-file requirements.txt requirements.in
	$(LOCK) --upgrade --output-file requirements-dev.txt requirements-dev.in

clean: ## remove .venv and the tools' caches; never data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than the requirements that were installed, and is made only when all of them were: an interrupted
# installation is taken up again.

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or later is needed; name one with: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo 'Making .venv ...'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; } # half an environment would pass for a whole one

.venv/.run-stamp: requirements.txt | .venv/bin/python
	@echo 'Installing requirements.txt ...'
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

.venv/.dev-stamp: requirements-dev.txt | .venv/bin/python
	@echo 'Installing requirements-dev.txt ...'
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch .venv/.run-stamp $@ # requirements-dev.txt holds every pin of requirements.txt
