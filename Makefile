# Two commands on a machine that has Python 3.11 to 3.13 and make: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo

.PHONY: help demo test test-all soak mutations bench growth test-readers test-backends docs dist lint lock clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/.installed  ## generate a dataset, build, train a few minutes, evaluate, predict new tiles, report
	@rm -rf $(DEMO)
	@mkdir -p $(DEMO)
	$(BIN)/segconv sample $(DEMO)/dataset
	$(BIN)/segconv build --src $(DEMO)/dataset --out $(DEMO)/records --size 224x288
	$(BIN)/segconv inspect shard $(DEMO)/records --save $(DEMO)/sheet.png
	$(BIN)/segconv train --data $(DEMO)/records --runs $(DEMO)/runs --augment none --learning-rate 0.004 --batch 4 --epochs 6
	$(BIN)/segconv evaluate --runs $(DEMO)/runs
	$(BIN)/segconv sample $(DEMO)/new --train 6 --val 1 --seed 1
	$(BIN)/segconv predict $(DEMO)/new/jpg --runs $(DEMO)/runs --out $(DEMO)/predictions --save index,color,overlay
	$(BIN)/python docs/picture.py $(DEMO) $(DEMO)/picture.jpg
	$(BIN)/segconv report --runs $(DEMO)/runs --out $(DEMO)/report.html
	@echo
	@echo "Look at:  $(DEMO)/report.html             scores, curves, the worst and the best images: in a browser"
	@echo "          $(DEMO)/predictions/overlay/    what the model sees in new tiles, whose masks it has not seen"
	@echo "          $(DEMO)/picture.jpg             one of them: photograph, mask, prediction"
	@echo "          $(DEMO)/sheet.png               the records, classes overlaid on the images"

test: $(VENV)/.installed-dev  ## run the fast set of tests: nine minutes on two cores
	$(BIN)/python -m pytest $(ON_ALL_CORES) -m "not slow"

test-all: $(VENV)/.installed-dev  ## run all tests
	$(BIN)/python -m pytest $(ON_ALL_CORES)

ON_ALL_CORES := -n logical --maxprocesses 4 --dist loadfile

soak: $(VENV)/.installed-dev  ## kill builds at 50 random moments, resume, compare every byte
	$(BIN)/python tests/soak.py --kills 50 --disk

mutations: $(VENV)/.installed-dev  ## remove each safeguard in turn: some test must fail each time
	$(BIN)/python tests/mutations.py -j 2

bench: $(VENV)/.installed  ## benchmark segconv and its peers: twenty minutes, 29 GB for the peers
	$(BIN)/python benchmarks/convert.py
	$(BIN)/python benchmarks/read.py

growth: $(VENV)/.installed  ## benchmark how the cost of a build grows: ten minutes, 1 GB
	$(BIN)/python benchmarks/growth.py

test-readers: $(VENV)/.installed-dev  ## read records with seven other libraries: downloads 5 GB into build/readers
	$(BIN)/python tests/reader_environments.py
	$(BIN)/python -m pytest tests/test_readers.py tests/test_pytorch_example.py

test-backends: $(VENV)/.installed-dev  ## run the trainer's tests with JAX instead of TensorFlow
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-backends.lock
	$(BIN)/python -m pytest tests/test_trainer_backends.py

docs: $(VENV)/.installed-dev  ## build the site of the documents in build/site
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	$(BIN)/python -m sphinx -q -W --keep-going -b html -c docs -d build/doctrees . build/site
	@echo "Look at:  build/site/index.html"

dist: $(VENV)/.installed-dev  ## build the release in dist/, use it with every Python at hand, list licences, write the SBOM
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-release.lock
	$(BIN)/python release/dist.py

lint: $(VENV)/.installed-dev  ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

lock: $(VENV)/.installed-dev  ## pin the newest allowed versions with their hashes, without addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra train --extra pretrained --group build $(LOCK) -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra train --extra pretrained --extra polygons --group dev -c requirements.lock $(LOCK) -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --extra train --extra pretrained --extra polygons --group backends -c requirements-dev.lock $(LOCK) -o requirements-backends.lock
	$(BIN)/uv pip compile --group docs -c requirements-dev.lock $(LOCK) -o requirements-docs.lock
	$(BIN)/uv pip compile --group release -c requirements-dev.lock $(LOCK) -o requirements-release.lock

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

clean:  ## delete all generated files
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Both locks pin the same versions where they overlap, so one environment serves both.
$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
