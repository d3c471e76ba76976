# What people do with this repository. `make` alone lists it.
# Works with GNU make 3.81 (macOS) and with BSD tools.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev web demo check test pictures docs lock sbom audit bench clean

PY := .venv/bin/python
CODE := src $(wildcard products simulators tools bench) tests
TYPED := src $(foreach folder,products simulators tools bench,$(if $(wildcard $(folder)/*.py $(folder)/*/*.py),$(folder)))
# Two test processes: as many as the smallest machine we promise anything for has cores.
TEST_PROCESSES ?= 2

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything a run needs (does nothing when nothing changed)
	@sh tools/setup.sh runtime
	@$(PY) -m tools.web

setup-dev: ## the same, with the tools for developing
	@sh tools/setup.sh dev
	@$(PY) -m tools.web --dev

web: setup-dev ## build what runs in the browser, where it changed (make setup does so too)

demo: setup ## run every product on made-up data and say what came of it; SERVE=0 ends after the summary
	@exec $(PY) -m tools.demo $(if $(filter 0,$(SERVE)),--no-serve)

check: setup-dev ## style, types, layers and docs
	$(PY) -m ruff check $(CODE)
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m mypy --strict $(TYPED)
	$(PY) -m tools.web --check
	.venv/bin/lint-imports
	$(PY) -m tools.check_docs

test: setup-dev ## run every test; ARGS="-k geo" for some of them
	@$(PY) -m tools.postgres || true
	@$(PY) -m tools.browser
	$(PY) -m pytest -n $(TEST_PROCESSES) --dist loadgroup $(ARGS)

pictures: setup-dev ## take pictures of the main pages for docs (make demo SERVE=0 first)
	@$(PY) -m tools.browser
	$(PY) -m tools.pictures $(ARGS)

docs: setup-dev ## write docs/reference anew from the code
	$(PY) -m tools.reference

lock: ## write requirements/ anew after pyproject.toml changed; UPGRADE=1 takes newer versions
	@sh tools/setup.sh dev
	UPGRADE=$(UPGRADE) $(PY) -m tools.lock

sbom: setup-dev ## list every package that is run, with hashes and licences: build/sbom.json (CycloneDX)
	$(PY) -m tools.sbom

audit: setup-dev ## ask whether a locked package has a known hole; 3: nobody could be asked
	$(PY) -m tools.holes

bench: ## measure one thing beside its peers: make bench NAME=checks
	@test -n "$(NAME)" || { echo "Say which one: make bench NAME=$$(grep -l __main__ bench/*.py | sed -e 's,.*/,,' -e 's,\.py$$,,' | tr '\n' '|' | sed 's,|$$,,')"; exit 2; }
	@sh tools/setup.sh bench
	@case $(NAME) in contract_grades) sh tools/setup.sh bench-grades ;; esac
	.venv-bench/bin/python -m bench.$(NAME) $(ARGS)

clean: ## remove environments and caches; never data (var/)
	rm -rf node_modules src/civicops/portal/web/node_modules src/civicops/portal/built .venv .venv-bench .venv-bench-grades .setup .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
