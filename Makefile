# make run     makes .venv, installs what is needed and starts the lab
# make test    installs the tools too and runs every test
# make quick   the tests that need neither browser, other process, torchvision nor patience: a minute
# make lint    style, format and types
# make check   lint and test
# make oldest  the tests of core on the oldest PyTorch that is supported, in .venv-oldest
# make messages  brings the catalogues of other languages up to date with the sentences of the source
# make lock    writes requirements.lock anew: the newest versions that the ranges allow
# make bench   measures speed on this machine
# make load    a class of 30 and of 60 on one server, with and without trainings (half an hour)
# make soak    kills the lab over and over: nothing may be lost (some minutes)
# make clean   removes caches; the next make looks at .venv again

PYTHON := .venv/bin/python
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11 # the first that is new enough
OLDEST := .venv-oldest/bin/python
OLDEST_TORCH := torch==2.11.* # the lower end of the range in requirements.txt

# Every worker and server is a new interpreter: without bytecode each compiles all it imports again
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := run
.PHONY: run test quick lint check oldest messages lock bench load soak clean

run: .venv/installed
	$(PYTHON) -m streamlit run dashboard.py

test: .venv/installed-dev
	$(PYTHON) -m pytest -n 2 --dist loadfile

quick: .venv/installed-dev
	$(PYTHON) -m pytest -n 2 --dist loadfile -m "not slow" --ignore tests/core/zoo/test_libraries.py

lint: .venv/installed-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

check: lint
	$(MAKE) test

oldest: .venv-oldest/installed
	$(OLDEST) -m pytest -n 2 --dist loadfile tests/core

messages: .venv/installed-dev
	$(PYTHON) -m tools.messages

lock:
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
		--custom-compile-command "make lock" --upgrade requirements-dev.txt -o requirements.lock

bench: .venv/installed-dev
	$(PYTHON) -m tools.bench

load: .venv/installed-dev
	$(PYTHON) -m tools.load

soak: .venv/installed-dev
	$(PYTHON) -m tools.soak

clean:
	rm -rf .pytest_cache .ruff_cache .mypy_cache bench-results
	rm -f .venv/installed .venv/installed-dev .venv-oldest/installed
	find . -name '.venv*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.txt requirements.lock | .venv/made
	$(call install,$(PYTHON),-r requirements.txt -c requirements.lock)
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements-cluster.txt requirements-server.txt requirements.txt requirements.lock | .venv/made
	$(call install,$(PYTHON),-r requirements-dev.txt -c requirements.lock)
	@touch .venv/installed $@

.venv-oldest/installed: requirements-dev.txt requirements-cluster.txt requirements-server.txt requirements.txt | .venv-oldest/made
	$(call install,$(OLDEST),-r requirements-dev.txt "$(strip $(OLDEST_TORCH))")
	@touch $@

# The lock only constrains what the ranges ask for: a torch without CUDA needs no CUDA libraries.
# uv is several times faster, but nobody needs to have it.
define install
	@echo "Installing; the first time this takes some minutes."
	@if uv --version >/dev/null 2>&1; then \
		uv pip install --python $(1) $(2); \
	else \
		{ $(1) -m pip --version >/dev/null 2>&1 || $(1) -m ensurepip; } && \
		$(1) -m pip install --disable-pip-version-check $(2); \
	fi
endef

.venv/made .venv-oldest/made:
	@if uv --version >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python "$${UV_PYTHON:->=3.11}" $(@D); \
	else \
		for python in $(PYTHONS); do \
			$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
			echo "$$python -m venv $(@D)"; \
			$$python -m venv $(@D); \
			exit; \
		done; \
		echo "The lab needs Python 3.11 or newer; this machine has $$(python3 --version 2>&1 || true)." >&2; \
		exit 1; \
	fi
	@touch $@
