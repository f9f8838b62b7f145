# make run    serve the dashboard on http://127.0.0.1:8501     make test    every test, browser tests included
# make check  ruff, mypy and the fast tests                    make bench   the tables in the README
# PORT=8600 make run serves elsewhere. Python 3.11 or later is all that is needed.
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
# Two cores take one file each, in the order that tests/conftest.py puts them in.
TWO := -n 2 --dist loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test check bench clean

run: .venv/run
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest $(TWO) --durations=10

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -m "not slow and not pages and not e2e" -q $(TWO)

bench: .venv/dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv

# Each stamp is newer than what it was made from, so a second call has nothing to do.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or later is needed: PYTHON=/path/to/python3.12 make run"; exit 1)
	$(PYTHON) -m venv .venv

.venv/run: requirements.txt | .venv/bin/python
	$(PIP) -r requirements.txt
	@touch $@

.venv/dev: requirements.txt requirements-dev.txt | .venv/bin/python
	$(PIP) -r requirements-dev.txt
	@touch .venv/run && touch $@
