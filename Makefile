# make lab and make test are all that a fresh machine with Python 3.11 or later needs.
WINDOWS := $(filter Windows_NT,$(OS))# there: make in Git Bash
PYTHON ?= $(if $(WINDOWS),python,python3)
SCRIPTS := $(if $(WINDOWS),Scripts,bin)
BIN := .venv/$(SCRIPTS)
READY := .venv/ready
COLAB := .venv-colab/$(SCRIPTS)
# pip --no-compile leaves it to Python to compile what is imported, once: wherever that is turned off, it is slow.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help lab test test-slow lint types check test-rounding test-colab notebooks deck editions assignment site links proof bench room counts clean

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 18

OLD := gdviz needs Python 3.11 or later, this is %d.%d. With another one: make PYTHON=python3.12 ...
NOT_OLD = @$(PYTHON) -c 'import sys; v = sys.version_info; v < (3, 11) and sys.exit("$(OLD)" % v[:2])'

# The file `ready` is made when pip has succeeded, so a run that was cut short is taken up again.
define install
	$(NOT_OLD)
	@echo 'Installing $(shell grep -c == $<) packages into $(@D): about 400 MB to download, some minutes the first time.'
	@rm -f $@
	$(PYTHON) -m venv $(@D)
	@{ $(@D)/$(SCRIPTS)/python -m pip install --disable-pip-version-check --no-compile -r $< && touch $@; } | \
		grep --line-buffered -oE '^Collecting [^ ]+|Downloading [^ ]+ \([0-9.]+ [MG]B\)|^Installing collected packages'; \
	test -e $@ || { echo 'Not everything is installed. The same command goes on with what pip has downloaded.'; exit 1; }
endef

$(READY): requirements.txt pyproject.toml
	$(install)

lab: $(READY)  ## open JupyterLab at the first notebook
	@echo 'Opening JupyterLab in the browser. It lives as long as this window; Ctrl-C twice ends it.'
	$(BIN)/jupyter lab $(AS_ROOT) --notebook-dir=notebooks notebooks/00_start_here.ipynb

AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)# as in many containers, where Jupyter asks for it

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## the type checker, over gdviz/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[types]'
	$(BIN)/pyright

check: lint types  ## lint, types and laws, in about a minute
	$(BIN)/python -m pytest -q $(LAWS:%=tests/test_%.py) --deselect $(MEASURED)

LAWS := layers notebooks predictions links fork environment
MEASURED := tests/test_notebooks.py::test_a_notebook_needs_under_1_gb_and_its_players_under_1_mb
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=600 --nbval-kernel-startup-timeout=600

WORKERS = $(shell $(BIN)/python -c "import os; print(1 + (os.cpu_count() or 1))")# one more than cores: browsers wait

test: lint  ## lint, laws, notebooks (nbval) and the browser, in about six minutes
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow' $(NBVAL) notebooks tests

test-slow: $(READY)  ## the tests that take longer: whole lectures, JupyterLab, each thing in each of three browsers
	$(BIN)/python -m pytest -n $(WORKERS) -m slow tests

test-rounding: export PYTHONPATH := $(CURDIR)/tests
test-rounding: $(READY)  ## every notebook under another arithmetic: all that it prints must be the same
	$(BIN)/python -m pytest -n auto --dist loadscope -p rounding $(NBVAL) notebooks

.venv-colab/ready: requirements-colab.txt
	$(install)

test-colab: export PYTHONPATH := $(CURDIR)$(if $(WINDOWS),;,:)$(CURDIR)/tests
test-colab: export OMP_NUM_THREADS := 1
test-colab: .venv-colab/ready  ## the notebooks, under another arithmetic, the controls and the first cell with Colab's versions
	$(COLAB)/python -m pytest -n auto --dist loadscope -p rounding $(NBVAL) notebooks
	$(COLAB)/python -m pytest -n auto tests/test_colab.py tests/test_html_manager.py

notebooks: $(READY)  ## run every notebook, write its outputs, the film of README and the pictures of AUTHORING
	$(BIN)/python notebooks/tools/write_outputs.py

deck: $(READY)  ## write the lecture of 45 minutes into editions/decks/, or another: make deck ONE=four_2
	$(BIN)/python notebooks/tools/write_decks.py $(ONE)

editions: $(READY)  ## write editions/: notebooks with solutions and lecturer's notes, and all decks; or ONE=04
	$(BIN)/python notebooks/tools/write_editions.py $(ONE)

assignment: $(READY)  ## write assignment/: a problem sheet of each notebook, for nbgrader; or ONE=02
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[grade]'
	$(BIN)/python notebooks/tools/write_assignment.py $(ONE)

site: $(READY)  ## write site/: the course, a gallery and the reference as pages that need no kernel; or ONE=04
	$(BIN)/python notebooks/tools/write_site.py $(ONE)

links:  ## name your fork everywhere: make links REPO=owner/name BRANCH=name
	$(NOT_OLD)
	@$(PYTHON) notebooks/tools/write_links.py '$(REPO)' '$(BRANCH)'

proof: $(READY)  ## compare every rule with torch.optim, write the table of PROOF.md and the badge of notebook 04
	$(BIN)/python -m pytest --proof tests/test_equals_torch.py tests/test_formula.py

bench: $(READY)  ## time imports, sweeps, minibatches, training and sliders against what one would use instead
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/formula.py
	$(BIN)/python benchmarks/sweeps.py
	$(BIN)/python benchmarks/minibatches.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/clinic.py
	$(BIN)/python benchmarks/notebooks.py
	$(BIN)/python benchmarks/slider_latency.py
	$(BIN)/python benchmarks/three_engines.py
	$(BIN)/python benchmarks/binder.py
	$(BIN)/python benchmarks/classroom.py
	$(BIN)/python benchmarks/room.py

PORT ?= 8765
room: $(READY)  ## a lecture's letters from phones and notebooks, counted live: make room PORT=8765 ADDRESS=https://...
	$(BIN)/python notebooks/tools/room_service.py --port '$(PORT)' --address '$(ADDRESS)'

counts: $(READY)  ## count the letters and mistakes of handed-in notebooks, into counts.html: make counts FOLDER=path
	@$(BIN)/python notebooks/tools/write_counts.py '$(FOLDER)'

clean:  ## remove the environments
	rm -rf .venv .venv-colab
