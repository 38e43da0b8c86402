# Every target first brings .venv to the exact versions of a lock file; when that is done already it
# costs nothing. What has been done is kept as empty files in .venv, named by the content that they
# stand for, because Git gives a file a new time whenever it writes one.
#
#     make repro PYTHON=python3.12      another Python than python3
#     make test ARGS="-k doctor -x"     ARGS goes to the command behind the target

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WITH_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"
PIP := $(BIN)/python -m pip --disable-pip-version-check

# ---- what has to be done once ------------------------------------------------------------------

content = $(shell git hash-object --no-filters $(1) 2>/dev/null)
NAME := $(shell printf '%s' "$(CURDIR)" | git hash-object --stdin)
UNFINISHED := $(VENV)/unfinished
# An environment knows the folder that it was made in: a moved or copied one would run the old code.
MADE := $(VENV)/made-$(NAME)
RUN := $(VENV)/run-$(call content,requirements.lock)
DEV := $(VENV)/dev-$(call content,requirements.lock)-$(call content,requirements-dev.lock)
SERVING := $(VENV)/serving-$(call content,requirements.lock)-$(call content,requirements-serving.lock)
PROJECT := $(VENV)/project-$(call content,pyproject.toml)

VERSION := import sys; print("%d.%d" % sys.version_info[:2])
HAVE := $(shell $(BIN)/python -c '$(VERSION)' 2>/dev/null)
# Made anew: one whose Python is gone, or of another version than a PYTHON given by hand, and one
# whose installation was cut short, since pip takes a half-installed package for an installed one.
ifeq ($(HAVE),)
$(MADE): anew
else ifneq ($(wildcard $(UNFINISHED)),)
$(MADE): anew
else ifneq ($(origin PYTHON),file)
ifneq ($(HAVE),$(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null))
$(MADE): anew
endif
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help anew repro test lint docs drills drills-full lock life bench environment serve storage storage-stop doctor compare

$(MADE):
	@test ! -L $(VENV) || { echo "$(VENV) is a link to $$(readlink $(VENV)): making it anew would" \
	  "empty that one. Remove the link, or run make in the folder that owns it." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  found=$$($(PYTHON) -c 'import sys; print("is Python %d.%d" % sys.version_info[:2])' 2>/dev/null); \
	  echo "Retrace needs Python 3.11 or newer, but '$(PYTHON)' $${found:-does not run here};" \
	    "install one, or name one: make $(or $(MAKECMDGOALS),repro) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make a virtual environment;" \
	    "on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@rm -f $(VENV)/made-* $(VENV)/run-* $(VENV)/dev-* $(VENV)/serving-* $(VENV)/project-*
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(RUN): $(MADE)
	@echo "Installing the versions of requirements.lock (some minutes the first time)"
	@touch $(UNFINISHED)
	@rm -f $(VENV)/run-* $(VENV)/dev-* $(VENV)/serving-*
	@$(PIP) install --quiet --require-hashes --requirement requirements.lock
	@rm $(UNFINISHED)
	@touch $@

$(DEV): $(RUN)
	@echo "Installing the versions of requirements-dev.lock"
	@touch $(UNFINISHED)
	@rm -f $(VENV)/dev-*
	@$(PIP) install --quiet --require-hashes --requirement requirements-dev.lock
	@rm $(UNFINISHED)
	@touch $@

$(SERVING): $(RUN)
	@echo "Installing the versions of requirements-serving.lock"
	@touch $(UNFINISHED)
	@rm -f $(VENV)/serving-*
	@$(PIP) install --quiet --require-hashes --requirement requirements-serving.lock
	@rm $(UNFINISHED)
	@touch $@

$(PROJECT): $(RUN)
	@rm -f $(VENV)/project-*
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# ---- what people type --------------------------------------------------------------------------

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' Makefile

repro: $(RUN) $(PROJECT) ## rebuild what changed, from raw data to the report (dvc repro)
	@$(WITH_VENV) $(BIN)/retrace mend
	@$(WITH_VENV) $(BIN)/dvc repro $(ARGS)

# Tests of a module share what they have made, so that one worker has them all. Modules start in the
# order of `testpaths`: the longest first, and short ones fill what is left.
# One more than there are cores: a worker often waits, for a server or for what another one makes.
SPREAD := -n $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))) --dist loadscope --no-loadscope-reorder

test: $(DEV) $(PROJECT) ## run the whole test suite; ARGS="-k price -x" goes to pytest
	@$(WITH_VENV) $(BIN)/pytest $(SPREAD) -m "not slow" $(ARGS)

CODE := retrace problems workflow store stages serving monitoring experiments commands bench

lint: $(DEV) $(PROJECT) docs ## check style, types, who imports whom, links, and known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/retrace rollout check
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(CODE)
	@$(BIN)/python -m tests.audit

docs: $(DEV) ## build the guides into site/; a dead link is an error
	@$(BIN)/mkdocs build --strict --quiet

drills: $(DEV) $(PROJECT) ## break the project on purpose, an hour or more; writes tests/DRILLS.md
	@$(WITH_VENV) $(BIN)/python -m tests.drills $(ARGS)
	@$(if $(ARGS),,$(WITH_VENV) RETRACE_TRIES=10 $(BIN)/pytest -n auto -m "slow or hypothesis")

drills-full: $(DEV) $(PROJECT) ## the same on the default sizes, for a night
	@$(WITH_VENV) $(BIN)/python -m tests.drills --size full $(ARGS)

doctor: $(RUN) $(PROJECT) ## check this machine: versions, Git, DVC, remote, disk, params.yaml
	@$(WITH_VENV) $(BIN)/retrace doctor $(ARGS)

compare: $(RUN) $(PROJECT) ## one problem's experiments side by side: make compare PROBLEM=price
	@$(WITH_VENV) $(BIN)/retrace compare $(if $(PROBLEM),"$(PROBLEM)") $(ARGS)

environment: $(SERVING) $(PROJECT) ## install what a server needs, and nothing else

serve: $(SERVING) $(PROJECT) ## answer requests over HTTP with the models that are in use
	@$(WITH_VENV) $(BIN)/retrace serve $(ARGS)

storage: $(DEV) $(PROJECT) ## start an S3 server on this machine, to try dvc push and dvc pull
	@$(WITH_VENV) $(BIN)/retrace storage start

storage-stop: $(RUN) $(PROJECT) ## stop that server and forget its address
	@$(WITH_VENV) $(BIN)/retrace storage stop

life: $(DEV) $(PROJECT) ## half a year of a model's life in simulated time; writes reports/life.html
	@$(WITH_VENV) $(BIN)/python -m bench.life $(ARGS)

bench: $(RUN) $(PROJECT) ## measure time and memory here; writes bench/RESULTS.md
	@$(WITH_VENV) $(BIN)/python -m bench $(ARGS)

COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(ARGS)

lock: $(DEV) $(PROJECT) ## pin what pyproject.toml asks for; ARGS=--upgrade takes newer versions
	@$(COMPILE) --output-file requirements.lock
	@$(COMPILE) --constraint requirements.lock --group serving --output-file requirements-serving.lock
	@$(COMPILE) --constraint requirements-serving.lock --group serving --group dev --output-file requirements-dev.lock
