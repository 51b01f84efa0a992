# The one door. `make help` lists what is behind it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The newest Python that the lock files cover and that can make virtual environments; PYTHON=... names another.
FIT := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
OLD := import sys; sys.exit(sys.version_info >= (3, 11))
BIN := .venv/bin
# Where a shell or image sets it, every start would compile all of SAM anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test unit functional e2e check bench train build deploy lock generate clean

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## The virtual environments: .venv and .venvs/ministack (run by the others)
	@for python in $(or $(PYTHON),.venv/bin/python python3.14 python3.13 python3.12 python3.11 python3); do \
		$$python -c '$(FIT)' >/dev/null 2>&1 && exec $$python workbench/setup.py; done; \
	python=$(or $(PYTHON),python3); \
	command -v $$python >/dev/null || { echo "setup: no $$python here; Signalbox needs Python 3.11 to 3.14" >&2; exit 1; }; \
	$$python -c '$(OLD)' && { echo "setup: $$($$python --version) is too old; Signalbox needs Python 3.11 to 3.14" >&2; exit 1; }; \
	exec $$python workbench/setup.py

run: setup ## Signalbox on this machine: URL, key and a live log; Ctrl-C stops it (ARGS="--port 4580")
	@exec $(BIN)/signalbox run $(ARGS)

test: setup tests/functional/node_modules ## Every test: unit, functional, then e2e on a local stack of its own
	$(BIN)/pytest -n 2 -rs tests/unit tests/functional $(ARGS)
	$(BIN)/pytest -rs tests/e2e $(ARGS)

unit: setup ## No network, no clock, milliseconds
	$(BIN)/pytest -n 2 tests/unit $(ARGS)

functional: setup tests/functional/node_modules ## Real HTTP against an independent double of the providers
	$(BIN)/pytest -n 2 tests/functional $(ARGS)

e2e: setup ## The real template, deployed
	$(BIN)/pytest tests/e2e $(ARGS)

# The double needs Node; where there is none its tests are skipped and say so.
tests/functional/node_modules: tests/functional/package-lock.json
	@if command -v npm >/dev/null; then cd tests/functional && npm ci --silent --no-audit --no-fund && touch node_modules; \
	else echo "no npm: the tests against the provider double will be skipped"; fi

# The example policies name the models of their day, so each is checked as of its own.
POLICIES := layers/signalbox/signalbox/policy
check: setup ## ruff, mypy, cfn-lint, sam validate, policy lint, generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml
	SAM_CLI_TELEMETRY=0 $(BIN)/sam validate --lint --region us-east-1
	$(BIN)/signalbox policy check $(POLICIES)/model-routing.yaml
	$(BIN)/signalbox policy check --now 2025-08-14 $(POLICIES)/examples/customer-pipeline.yaml
	$(BIN)/signalbox policy check --now 2025-09-14 $(POLICIES)/examples/payments.yaml
	$(BIN)/signalbox policy check --now 2025-06-18 $(POLICIES)/examples/support.yaml
	$(BIN)/signalbox prices update --check
	$(BIN)/signalbox policy schema | diff - $(POLICIES)/model-routing.schema.json
	$(BIN)/signalbox openapi | diff - layers/signalbox/signalbox/dialects/openapi.json

bench: setup ## Cold start, package sizes, decision time
	$(BIN)/signalbox bench $(ARGS)

# torch and scikit-learn, for training alone. `--extra-index-url` and the like go into PIP_ options of your own.
.venvs/training/.up-to-date: requirements/training.txt
	$(BIN)/python -m venv --clear .venvs/training
	.venvs/training/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

DATA ?= ../shared/data
train: setup .venvs/training/.up-to-date ## The tagger's weights and model card anew (DATA=DIR, about 50 minutes)
	PYTHONPATH=layers/signalbox:. .venvs/training/bin/python -m workbench.training --data $(DATA) $(ARGS)

build: setup ## The packages for AWS, bytecode included; sizes are checked
	$(BIN)/signalbox build $(ARGS)

deploy: setup ## Build, then deploy to the AWS account of your credentials
	$(BIN)/signalbox deploy $(ARGS)

lock: setup ## Renew the lock files from pyproject.toml
	$(BIN)/python workbench/lock.py

clean: ## Everything that was made here
	rm -rf .venv .venvs .aws-sam .signalbox .mypy_cache .ruff_cache .hypothesis tests/functional/node_modules
