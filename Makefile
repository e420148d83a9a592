# Everything here sets up what it needs first: see `make help`.
# The set-up is deploy/setup/; where nothing changed it takes a fraction of a second.

PYTHON ?= python3
SETUP := $(PYTHON) -m deploy.setup
BIN := .venv/bin
WORKERS ?= logical
export SOURCE SITE

.DEFAULT_GOAL := help
.PHONY: demo demo-leak test setup bench locks docs sbom clean help

demo: ## show the whole product on a real video; SOURCE=0, clip.mp4 or rtsp://… and SITE=site.toml to choose
	@$(SETUP) demo $${SOURCE:+--no-video}
	@$(BIN)/python deploy/demo/demo.py $${SOURCE:+--source "$$SOURCE"} $${SITE:+--site "$$SITE"}

demo-leak: setup ## plant a leak in a copy of the device, and see it caught
	@$(BIN)/python -m edge.audit.leaks.demo

test: setup ## run every check: ruff, mypy, import-linter, pytest on every core (or WORKERS=1)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(WORKERS)

setup: ## make .venv with everything for development, and the pages' assets
	@$(SETUP) test

bench: ## measure speed and memory, beside a peer in the same run
	@$(SETUP) bench
	@set -e; for file in tests/bench/bench_*.py; do name=$$(basename $$file .py); \
		echo "== $$name"; $(BIN)/python -m tests.bench.$$name; done

locks: setup ## resolve the dependencies of pyproject.toml into deploy/locks/ anew
	deploy/locks/compile.sh

docs: setup ## write docs/configuration.md and docs/schema/ from the code
	$(BIN)/python -m firmware_cfg docs docs

sbom: setup ## write docs/sbom/encounter.cdx.json, the software bill of materials, from what is locked
	$(BIN)/python -m deploy.sbom

clean: ## remove what set-up, runs and checks made; downloads in .cache stay
	rm -rf .venv .venv-bench node_modules server/static/vendor dist .demo
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache/assets.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## show this list
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1	\2/p' Makefile
