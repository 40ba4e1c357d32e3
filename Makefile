# Every target sets up .venv by itself; the stamps make the second call quick.
PYTHON ?= python3
VENV ?= .venv
PY = $(VENV)/bin/python
PIP = $(PY) -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# One thread a network; ONNX Runtime sessions set their own, and torch would otherwise fight the test runner for the cores.
export OMP_NUM_THREADS ?= 1
# A process of the tests may hold 2 GB, so many cores do not mean many processes.
PARALLEL = --numprocesses auto --maxprocesses 4

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint bench mmpose clean

help:
	@echo "make demo    label the bundled clip: writes demo.mp4 and demo.jsonl"
	@echo "make test    the whole test suite"
	@echo "make test-fast    the tests that take no time, for people at work"
	@echo "make lint    ruff, mypy and the arrows between folders"
	@echo "make bench   stage times, frames per second and end-to-end age on the bundled clip"
	@echo "make mmpose  what --pose mmpose:CONFIG and export-pose need"
	@echo "make clean   remove what the other targets made, except $(VENV)"

$(PY):
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-stamp: pyproject.toml constraints.txt | $(PY)
	$(PIP) --editable ".[video]"
	@touch $@

$(VENV)/.dev-stamp: pyproject.toml constraints.txt | $(PY)
	$(PIP) --editable ".[train,dev]"
	@touch $(VENV)/.run-stamp $@

demo: $(VENV)/.run-stamp
	$(PY) -m app --video assets/demo.mp4 --headless --events demo.jsonl --save demo.mp4

# On top of the extra `train`. --no-compile halves the time; --no-deps, because what these packages ask for besides cannot be
# built or would displace OpenCV.
$(VENV)/.mmpose-stamp: requirements/mmpose.txt pyproject.toml constraints.txt | $(PY)
	$(PIP) --no-compile --editable ".[train]"
	$(PIP) --no-compile --no-deps --requirement requirements/mmpose.txt
	@touch $@

mmpose: $(VENV)/.mmpose-stamp

test: $(VENV)/.dev-stamp $(VENV)/.mmpose-stamp
	$(PY) -m pytest $(PARALLEL) --dist loadscope $(PYTEST_ARGS)

test-fast: $(VENV)/.dev-stamp
	$(PY) -m pytest $(PARALLEL) --dist worksteal -m "not slow and not mmpose" $(PYTEST_ARGS)

lint: $(VENV)/.dev-stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache

bench: $(VENV)/.run-stamp
	$(PY) -m app bench --video assets/demo.mp4 --json bench.json

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demo.mp4 demo.jsonl bench.json
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
