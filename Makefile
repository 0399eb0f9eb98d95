# make study: the README's study. make test: all tests. make lint: ruff, mypy, import-linter. make docs: docs/ as a site, in site/.
# make mutants: wrong changes in the code that matters most, and which of them no test notices; minutes.
# Everything is set up in .venv on first use: with uv where it is there, else with a uv of its own.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: study test lint docs mutants clean

study: $(READY)
	$(BIN)/python scripts/sweep.py

test: $(READY)
	$(BIN)/python -m pytest -n auto

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/architecture.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

mutants: $(READY)
	@export PATH="$$PATH:$(CURDIR)/$(BIN)"; \
		uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[mutants]'
	$(BIN)/python scripts/mutants.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("ablate needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@echo "setting up .venv: 5.9 GB, once; minutes on a slow connection"
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(PYTHON) -m pip --quiet --python $(BIN)/python install uv
	@export PATH="$$PATH:$(CURDIR)/$(BIN)"; \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt \
			--editable '.[test,lint,docs]'
	@$(BIN)/python -m compileall -q src  # an editable package is not compiled with the others
	@touch $@

# What you have trained, in outputs/, stays.
clean:
	rm -rf .venv dist site mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
