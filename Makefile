# make run    makes .venv, installs what is needed and starts the lab
# make test   installs the tools too and runs every test
# make lint   style, format and types
# make check  lint and test
# make bench  measures speed on this machine
# make soak   kills the lab over and over: nothing may be lost (some minutes)
# make clean  removes caches; the next make looks at .venv again

PYTHON := .venv/bin/python
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11 # the first that is new enough

.DEFAULT_GOAL := run
.PHONY: run test lint check bench soak clean

run: .venv/installed
	$(PYTHON) -m streamlit run dashboard.py

test: .venv/installed-dev
	$(PYTHON) -m pytest -n 2 --dist loadgroup

lint: .venv/installed-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy core

check: lint
	$(MAKE) test

bench: .venv/installed-dev
	$(PYTHON) -m tools.bench

soak: .venv/installed-dev
	$(PYTHON) -m tools.soak

clean:
	rm -rf .pytest_cache .ruff_cache .mypy_cache bench-results
	rm -f .venv/installed .venv/installed-dev
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.txt | .venv/made
	$(call install,requirements.txt)
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements.txt | .venv/made
	$(call install,requirements-dev.txt)
	@touch .venv/installed $@

# uv is several times faster, but nobody needs to have it.
define install
	@echo "Installing $(1); the first time this takes some minutes."
	@if uv --version >/dev/null 2>&1; then \
		uv pip install --python $(PYTHON) -r $(1); \
	else \
		{ $(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip; } && \
		$(PYTHON) -m pip install --disable-pip-version-check -r $(1); \
	fi
endef

.venv/made:
	@if uv --version >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python '>=3.11' .venv; \
	else \
		for python in $(PYTHONS); do \
			$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
			echo "$$python -m venv .venv"; \
			$$python -m venv .venv; \
			exit; \
		done; \
		echo "The lab needs Python 3.11 or newer; this machine has $$(python3 --version 2>&1 || true)." >&2; \
		exit 1; \
	fi
	@touch $@
