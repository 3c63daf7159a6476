PYTHON ?= python3
VENV := .venv
# Each test worker has its own servers, browser and databases.
WORKERS ?= 2
BIN := $(VENV)/bin

.PHONY: app test demo bench lint lock sbom

app: $(VENV)/.app
	$(BIN)/streamlit run app.py

test: $(VENV)/.test
	$(BIN)/python -m pytest -m alone $$(grep -rl --include='test_*.py' 'mark\.alone' tests)
	$(BIN)/python -m pytest -m "not slow and not alone" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The shipped models/demo, made anew.
demo: $(VENV)/.app
	test -e data/demo/ptbxl_database.csv || $(BIN)/python -m training simulate data/demo --n 1600 --seed 1
	$(BIN)/python -m training fit --data data/demo --out models/demo --config training/configs/demo.toml
	$(BIN)/python -m training neighbours --bundle models/demo --data data/demo

bench: $(VENV)/.app
	$(BIN)/python -m benchmarks

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What `make app` installs, with licences, and the bundles with their data, as CycloneDX.
sbom: $(VENV)/.test
	$(BIN)/python deploy/sbom.py > sbom.json

# requirements*.txt from pyproject.toml; `make lock UPGRADE=--upgrade` takes newer releases.
lock: $(VENV)/.test
	$(BIN)/uv pip compile $(UPGRADE) --quiet --extra app --extra train --output-file requirements.txt pyproject.toml requirements.in
	$(BIN)/uv pip compile $(UPGRADE) --quiet --all-extras --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml requirements.in

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/.test: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@ $(VENV)/.app
