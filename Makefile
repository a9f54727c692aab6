# Everything runs from a virtual environment in .venv, made from the lock files in requirements/.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip install --disable-pip-version-check --quiet --only-binary :all:
UV     ?= uv

.DEFAULT_GOAL := help
.PHONY: help run view env test check gpu-check pins format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## read plates: the sample clip, or SOURCE=video, folder, rtsp://…, /dev/video0, csi://0
	@$(PY) -m edge --config config.yaml --demo $(if $(SOURCE),--source '$(SOURCE)')

view: $(VENV)/.run ## the same, without end, with the live view on http://127.0.0.1:9109/
	@$(PY) -m edge --config config.yaml --demo --view $(if $(SOURCE),--source '$(SOURCE)')

env: $(VENV)/.test ## all that the tools, the trainings and the tests need; then:  . .venv/bin/activate

test: check $(VENV)/.triton ## everything that must hold: check, then the tests (TESTS=tests/edge for some of them)
	@$(PY) -m pytest $(TESTS)

check: $(VENV)/.test ## lint, format and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

gpu-check: ## everything that only a GPU can show: kernels, engines, events, speed (PY=python of a machine with TensorRT; ARGS=--help)
	@$(PY) -m tools.gpu_check $(ARGS)

pins: $(VENV)/.test ## whether the package index has all that the unit's image installs, for JetPack 6 and 7
	@$(PY) -m tools.pins

format: $(VENV)/.test ## put the code into its format
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lock: ## write the lock files anew from pyproject.toml (needs uv)
	@$(LOCK) --extra run -o requirements/run.lock
	@$(LOCK) --extra run --extra train --extra triton --extra dev -c requirements/run.lock requirements/torch-deps.in -o requirements/test.lock
	@$(LOCK_FROM) requirements/triton.in --no-deps -o requirements/triton.lock
	@grep -E '^[a-z0-9-]+==' requirements/run.lock | grep -v '^numpy==' | tr -d '\\' | $(LOCK) --extra jetson -c - -o requirements/jetson.lock

clean: ## remove the environment and what the tools left
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

LOCK_FROM = $(UV) pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate --no-emit-index-url \
	--custom-compile-command "make lock"
LOCK = $(LOCK_FROM) pyproject.toml

# A stamp is as new as the lock that it was installed from: nothing is fetched again until the lock changes.
$(VENV)/.run: requirements/run.lock | $(VENV)
	@echo "installing what the unit needs into $(VENV) (once)"
	@$(PIP) --require-hashes -r $<
	@touch $@

$(VENV)/.test: requirements/test.lock requirements/torch.txt | $(VENV)
	@echo "installing what the tests and the training need into $(VENV) (once)"
	@$(PIP) --require-hashes -r $<
	@$(PIP) --no-deps -r requirements/torch.txt
	@$(PY) -c 'import torch' 2>/dev/null || $(PIP) -r requirements/torch.txt # a GPU build brings its CUDA libraries
	@touch $(VENV)/.run $@ # test.lock holds all of run.lock

# Triton's own server, for the tests, in a folder of its own: the package asks for an older numpy, its binary for none.
$(VENV)/.triton: requirements/triton.lock | $(VENV)/.test
	@$(PIP) --require-hashes --no-deps --upgrade --target $(VENV)/triton -r $<
	@touch $@

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $@ || { rm -rf $@; echo "no venv: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
