# make run    install what this machine needs and start Dareda (without tokens: a demonstration)
# make test   install everything and run all checks and tests
PYTHON ?= python3
RUN_ENV := .venv
TEST_ENV := .venv-dev
# Processes that share the tests; a file stays with one of them.
TEST_PROCESSES ?= 2

# The slim CPU set, unless there is an NVIDIA GPU for torch to use.
REQUIREMENTS := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q GPU && echo requirements.txt || echo requirements-cpu.txt)

.PHONY: run test check format environment test-environment clean

run: $(RUN_ENV)/.$(REQUIREMENTS)
	$(RUN_ENV)/bin/python bot.py run

test: check
	$(TEST_ENV)/bin/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

check: $(TEST_ENV)/.requirements-dev.txt
	$(TEST_ENV)/bin/ruff format --check .
	$(TEST_ENV)/bin/ruff check .
	$(TEST_ENV)/bin/mypy
	$(TEST_ENV)/bin/lint-imports

format: $(TEST_ENV)/.requirements-dev.txt
	$(TEST_ENV)/bin/ruff format .
	$(TEST_ENV)/bin/ruff check --fix .

$(RUN_ENV)/.$(REQUIREMENTS): requirements.txt requirements-cpu.txt
	$(call create,$(RUN_ENV),$(REQUIREMENTS))

$(TEST_ENV)/.requirements-dev.txt: requirements-dev.txt requirements.txt requirements-cpu.txt
	$(call create,$(TEST_ENV),requirements-dev.txt)

define create
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Dareda needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=python3.12, say."; exit 1; }
	@$(PYTHON) -m venv $(1) || \
		{ echo "Python cannot create an environment. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(2)
	@touch $(1)/.$(2)
endef

clean:
	rm -rf $(RUN_ENV) $(TEST_ENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
