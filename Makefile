# make lab and make test are all that a fresh machine with Python 3.11 or later needs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: help lab test notebooks editions proof bench clean

help:  ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 18

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

lab: $(READY)  ## open JupyterLab at the first notebook
	$(BIN)/jupyter lab --notebook-dir=notebooks notebooks/00_start_here.ipynb

test: $(READY)  ## lint, laws, notebooks (nbval) and the browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=60 notebooks tests

notebooks: $(READY)  ## run every notebook and write its outputs
	$(BIN)/python notebooks/write_outputs.py

editions: $(READY)  ## write editions/: notebooks with solutions and lecturer's notes, and slides for a USB stick
	$(BIN)/python notebooks/write_editions.py

proof: $(READY)  ## compare every rule with torch.optim, write the table of README and the badge of notebook 04
	$(BIN)/python -m pytest --proof tests/test_equals_torch.py

bench: $(READY)  ## time imports, sweeps, minibatches, training and sliders against what one would use instead
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/sweeps.py
	$(BIN)/python benchmarks/minibatches.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/slider_latency.py

clean:  ## remove the environment
	rm -rf .venv
