# make run      serve the dashboard on http://127.0.0.1:8501 (PORT=8600 make run: elsewhere)
# make run SHARE=read  beside it a view for the network in which nothing can be started or changed, on port 8502 (VIEW_PORT);
#               DHC_PASSWORD=... make run SHARE=read: the view asks for that password
# make test     every check and every test, browser tests included; make test K=ladder: only the tests of that name
# make clusters only the tests that make a cluster of Ray or Slurm on this machine, as root
# make check    ruff, mypy and the fast tests
# make fix      what ruff can mend by itself, and the format of every file
# make docs     write the generated pages of docs/ anew
# make bench    the tables of docs/measured.md
# make upgrade  write constraints.txt with the newest versions; then make test
# Python 3.11, 3.12 or 3.13 is all that is needed.
PYTHON ?= python3
PORT ?= 8501
SHARE ?=
VIEW_PORT ?= 8502
$(if $(filter-out read,$(SHARE)),$(error SHARE cannot be $(SHARE): it takes read))
BIN := .venv/bin
# Each worker takes a file at a time, in the order that tests/conftest.py puts them in. Two leave a tenth of two cores idle; on two
# cores a third made browsers and clusters wait for one another until the tests took longer.
WORKERS ?= 2
BY_FILE := --dist loadfile --no-loadscope-reorder
PARALLEL := -n $(WORKERS) $(BY_FILE)
PIP_FLAGS ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --constraint constraints.txt

.PHONY: run test tests clusters check lint style types fix docs bench upgrade clean

# Streamlit does not start for a user without a home.
SERVE = HOME="$${HOME:-$(CURDIR)}" $(BIN)/streamlit run app.py --server.port

run: .venv/run
ifeq ($(SHARE),)
	$(SERVE) $(PORT)
else
	@trap 'kill $$view 2>/dev/null' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
	DHC_SHARE=read $(SERVE) $(VIEW_PORT) --server.address 0.0.0.0 & view=$$!; \
	unset DHC_SHARE DHC_PASSWORD DHC_PASSWORD_FILE; $(SERVE) $(PORT)
endif

# mypy takes one core for as long as the tests need to be collected: beside them, not before. Compiled files are kept whatever the
# environment says: hundreds of commands, servers and workers are started, and each would compile the product anew.
test: .venv/dev
	$(if $(K),,$(MAKE) --no-print-directory style)
	unset PYTHONDONTWRITEBYTECODE; $(MAKE) --no-print-directory -j 3 tests $(if $(K),,types clusters CLUSTERS_AFTER=types)

tests: .venv/dev
	$(BIN)/pytest $(PARALLEL) --durations=10 $(if $(K),-k "$(K)",-m "not cluster")

# Clusters mostly wait for what is lost in them to be missed: so beside all else, as soon as mypy has left its core. What is said of
# them comes in one piece. By the order of their names, the longest file, Ray's, is alone in its process. They make networks; in one
# of their own, where that is allowed, since Chromium drops what it loads when the machine's change.
CLUSTERS_AFTER :=
OWN_NETWORK = $(if $(shell unshare --net ip link set lo up 2>/dev/null && echo yes),unshare --net sh -c 'ip link set lo up && exec "$$@"' sh)
clusters: .venv/dev $(CLUSTERS_AFTER)
	@log=$$(mktemp); $(OWN_NETWORK) $(BIN)/pytest tests/cluster -n 2 $(BY_FILE) --durations=10 > "$$log" 2>&1; status=$$?; cat "$$log"; rm "$$log"; exit $$status

check: lint
	$(BIN)/pytest -m "not slow and not pages and not e2e and not cluster" -q $(PARALLEL)

lint: style types

style: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

fix: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/dev
	$(BIN)/python tests/test_docs.py

bench: .venv/dev
	$(BIN)/python -m benchmarks $(if $(TORCH),--torch $(TORCH))

upgrade: .venv/dev
	$(BIN)/python .ci/constraints.py > .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

clean:
	rm -rf .venv

# Each stamp is newer than what it was made from, so a second call has nothing to do.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || (echo "Python 3.11, 3.12 or 3.13 is needed (TensorFlow has none for others yet): PYTHON=/path/to/python3.12 make run"; exit 1)
	$(PYTHON) -m venv .venv || (rm -rf .venv; exit 1)  # half a .venv would pass for a whole one the next time

.venv/run: requirements.txt constraints.txt | .venv/bin/python
	@echo "The tested versions are downloaded and installed: some minutes, in silence."
	$(PIP) -r requirements.txt
	@touch $@

.venv/dev: requirements.txt requirements-dev.txt constraints.txt | .venv/bin/python
	$(PIP) -r requirements-dev.txt
	@touch .venv/run && touch $@
