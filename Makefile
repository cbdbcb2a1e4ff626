# `make demo` sets everything up and runs the main job; `make test` sets up and runs all tests.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTEST := .venv/bin/pytest --durations=10

.PHONY: help setup demo test test-all test-unit lint format lock clean

help: ## Show the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make the virtual environment in .venv from the lock file
	@.ci/bootstrap

demo: setup ## Bring up OpenStack, provision the centre and three municipalities, prove it
	@.ci/demo

test: lint ## Run the linters and all tests; OpenStack is started for them
	$(PYTEST) tests/unit tests/conformance -n 2
	$(PYTEST) tests/backends
	$(PYTEST) tests/lab
	$(PYTEST) tests/hosts
	$(PYTEST) tests/vms
	.ci/install-tools containers
	$(PYTEST) tests/roles
	$(PYTEST) tests/images

test-all: ## As `make test`, killed at every step and with all 200 lives full of faults, not a share
	.ci/install-tools browser
	.ci/install-tools virtual
	KRAJ_ALL_STEPS=1 KRAJ_FAULT_LIVES=200 $(MAKE) test

test-unit: setup ## Run the unit tests alone (seconds)
	.venv/bin/pytest tests/unit -n 2

lint: setup ## Run ruff, mypy, yamllint and ansible-lint
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/yamllint --strict .
	PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/ansible-lint --offline

format: setup ## Format the sources
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

lock: setup ## Resolve the locked versions anew
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --upgrade pyproject.toml -o requirements/kraj.txt
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --upgrade --group dev pyproject.toml -o requirements/dev.txt
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --upgrade requirements/lab.in -o cli/kraj/lab/requirements.txt
	grep -A 100 '^uv==' requirements/dev.txt | awk 'NR>1 && /^[a-z]/{exit} {print}' > requirements/uv.txt

clean: ## Remove the virtual environment and caches (never the state in .kraj)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
