# Two commands do all the set-up: `make demo` and `make test`. Nothing is needed before them but Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check docs bench screenshots clean

demo: $(VENV)/.installed
	@if [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then exec $(BIN)/faa demo; \
	else $(BIN)/faa analyze demo && $(BIN)/faa show demo --map 1.0; fi

test: $(VENV)/.installed-test check
	@sh scripts/need_sshd.sh
	@sh scripts/need_chromium.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/statistics_page.py --check
	$(BIN)/python scripts/quantity_pages.py --check
	$(BIN)/python scripts/error_pages.py --check
	$(BIN)/python scripts/keys_page.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

# A warning is an error: a link that leads nowhere, a page that no one leads to, a docstring that does not fit.
docs: $(VENV)/.installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

bench: $(VENV)/.installed-bench
	$(BIN)/python scripts/bench.py

screenshots: $(VENV)/.installed-test
	$(BIN)/python scripts/screenshots.py

# The constraints pin torch to a release whose CPU build may be at hand; without the pin, pip would fetch the newest
# one with several GB of CUDA packages. They are the versions that the tests ran with.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,docs]'
	touch $@

$(VENV)/.installed-bench: pyproject.toml constraints.txt $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	touch $@

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "faa needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "The venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }

clean:
	rm -rf $(VENV) build dist
