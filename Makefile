# The workflow's commands; `make` lists them.
#   make run    set up everything and run the default grid
#   make test   set up everything and run all checks and tests
# Every path is relative, so that a clone may lie in a folder with spaces in its name.

PYTHON ?= python3
CORES ?= all
CONFIG ?=
RUN := .venv/bin/python
TOOL := PYTHONPATH=workflow/scripts $(RUN) -m
SNAKEMAKE := $(RUN) -m snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

.DEFAULT_GOAL := help
.PHONY: help run verify repair unlock test test-fast check format docs hooks vllm capability lock pin clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 16

run: .venv/base  ## run the default grid (CONFIG=config/paper.yaml for another, CORES=8 for eight jobs at once)
	@$(TOOL) steadfast.runs.working_folder
	@STEADFAST_COMMAND="make run $(MAKEOVERRIDES)" $(SNAKEMAKE)

verify: .venv/base  ## check that all results are as they were made (hashes every file)
	@STEADFAST_COMMAND="make run $(MAKEOVERRIDES)" $(TOOL) steadfast.runs.verify

unlock: .venv/base  ## remove the lock that a killed run has left
	@STEADFAST_COMMAND="make run $(MAKEOVERRIDES)" $(TOOL) steadfast.runs.lock

repair: .venv/base  ## remove results that changed since they were made, and what was made from them
	@$(TOOL) steadfast.runs.verify --repair

# tests/conftest.py puts the longest files of tests first; the plugin's own order would keep them for the end
test: check  ## run all checks and the whole test suite
	@$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: .venv/dev  ## run the unit tests and dry runs: no grid, no browser, no vLLM, no Slurm
	@$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

check: .venv/dev  ## formatting, lint and types
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy workflow/scripts/steadfast workflow/scripts/snakemake_logger_plugin_steadfast
	@$(RUN) -m mypy workflow/scripts/*.py
	@$(RUN) -m snakefmt --check Snakefile workflow/rules
	@$(RUN) -m snakemake --lint

format: .venv/dev  ## format the code
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m snakefmt Snakefile workflow/rules

docs: .venv/base  ## write the generated pages (config/README.md, the pictures of docs/architecture.md)
	@$(TOOL) steadfast.config.reference
	@$(RUN) docs/draw.py

hooks: .venv/dev  ## run the checks before every commit, through pre-commit
	@$(RUN) -m pip install --quiet --disable-pip-version-check pre-commit==4.3.0
	@$(RUN) -m pre_commit install

vllm: .venv/base  ## set up vLLM in .venv-vllm (the CUDA build where there is a GPU, else the CPU build)
	@$(RUN) envs/install_vllm.py

capability: .venv/base  ## add EleutherAI's lm-evaluation-harness to .venv, for the tasks of `capability:`
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r envs/base.lock.txt -r envs/capability.lock.txt

lock: .venv/dev  ## resolve envs/*.in into envs/*.lock.txt and envs/*.yaml
	@$(RUN) envs/lock.py

pin: .venv/base  ## write the hub's current commits into CONFIG (needs the hub)
	@$(TOOL) steadfast.models.pin $(or $(CONFIG),config/paper.yaml)

clean:  ## remove all results
	@find results -mindepth 1 ! -name README.md -delete

# Environments: a stamp file records what was installed, so that nothing is looked up again until a lock changes.
.venv/base: envs/base.lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %d.%d. Name another: make PYTHON=python3.12 run" % sys.version_info[:2])'
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "Installing the pinned dependencies (once; a minute or two) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r envs/base.lock.txt
	@touch .venv/base

.venv/dev: .venv/base envs/dev.lock.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r envs/base.lock.txt -r envs/dev.lock.txt
	@touch .venv/dev
