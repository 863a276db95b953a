# make lab and make test are all that a fresh machine with Python 3.11 or later needs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
COLAB := .venv-colab/bin
# pip --no-compile leaves it to Python to compile what is imported, once: wherever that is turned off, it is slow.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help lab test check test-rounding test-colab notebooks editions site links proof bench clean

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 18

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt
	@touch $@

lab: $(READY)  ## open JupyterLab at the first notebook
	$(BIN)/jupyter lab --notebook-dir=notebooks notebooks/00_start_here.ipynb

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check: lint  ## lint and laws, in under a minute
	$(BIN)/python -m pytest -n auto $(LAWS)

NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=600

test: lint  ## lint, laws, notebooks (nbval) and the browser
	$(BIN)/python -m pytest -n auto $(NBVAL) notebooks tests

test-rounding: $(READY)  ## every notebook under other arithmetics: all that it prints must be the same
	for how in generic threads nudged; do \
		$(BIN)/python -m pytest -n auto --dist loadscope -p tests.rounding --arithmetic=$$how $(NBVAL) notebooks || exit 1; \
	done

.venv-colab/ready: requirements-colab.txt
	$(PYTHON) -m venv .venv-colab
	$(COLAB)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-colab.txt
	@touch $@

test-colab: export PYTHONPATH := $(CURDIR)
test-colab: export OMP_NUM_THREADS := 1
test-colab: .venv-colab/ready  ## the notebooks, the controls and the first cell with the versions of Colab
	$(COLAB)/python -m pytest -n auto --dist loadscope $(NBVAL) notebooks
	$(COLAB)/python -m pytest -n auto tests/test_colab.py tests/test_html_manager.py

notebooks: $(READY)  ## run every notebook and write its outputs
	$(BIN)/python notebooks/tools/write_outputs.py

editions: $(READY)  ## write editions/: notebooks with solutions and lecturer's notes, and slides for a USB stick
	$(BIN)/python notebooks/tools/write_editions.py

site: $(READY)  ## write site/: the course as pages whose players live without a kernel or a network
	$(BIN)/python notebooks/tools/write_site.py

links:  ## name your fork everywhere: make links REPO=owner/name
	$(PYTHON) notebooks/tools/write_links.py "$(REPO)"

proof: $(READY)  ## compare every rule with torch.optim, write the table of README and the badge of notebook 04
	$(BIN)/python -m pytest --proof tests/test_equals_torch.py

bench: $(READY)  ## time imports, sweeps, minibatches, training and sliders against what one would use instead
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/sweeps.py
	$(BIN)/python benchmarks/minibatches.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/notebooks.py
	$(BIN)/python benchmarks/slider_latency.py
	$(BIN)/python benchmarks/binder.py
	$(BIN)/python benchmarks/classroom.py

clean:  ## remove the environments
	rm -rf .venv .venv-colab
